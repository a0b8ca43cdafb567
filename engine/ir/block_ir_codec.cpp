#include "engine/ir/block_ir_codec.h"

#include "engine/base/error.h"
#include "engine/base/strict_json.h"
#include "engine/ir/program_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blockcert::ir {

namespace {

constexpr std::string_view schema = "blockcert.program/1";
constexpr std::int64_t largestOffset = std::int64_t{1} << 53U;

// --- to JSON

Json toJson(const RmsNorm& op)
{
    return {{"in", op.in}, {"out", op.out}, {"weight", op.weight}, {"epsilon", certifiedNumber(op.epsilon)}};
}

Json toJson(const LayerNorm& op)
{
    return {{"in", op.in},
            {"out", op.out},
            {"weight", op.weight},
            {"bias", op.bias},
            {"epsilon", certifiedNumber(op.epsilon)}};
}

Json toJson(const Linear& op)
{
    return {{"in", op.in}, {"out", op.out}, {"weight", op.weight}, {"bias", op.bias}};
}

Json toJson(const Rope& op)
{
    return {{"in", op.in}, {"out", op.out}, {"heads", op.heads}, {"head_dim", op.headDim}};
}

Json toJson(const Scores& op)
{
    return {{"query", op.query},
            {"key", op.key},
            {"out", op.out},
            {"heads", op.heads},
            {"kv_heads", op.kvHeads},
            {"head_dim", op.headDim},
            {"multiply", certifiedNumber(op.multiply)},
            {"divide", certifiedNumber(op.divide)}};
}

Json toJson(const MaskedSoftmax& op)
{
    return {{"in", op.in}, {"out", op.out}};
}

Json toJson(const Mix& op)
{
    return {{"weights", op.weights}, {"value", op.value},      {"out", op.out},
            {"heads", op.heads},     {"kv_heads", op.kvHeads}, {"head_dim", op.headDim}};
}

Json toJson(const Activation& op)
{
    return {{"in", op.in}, {"out", op.out}, {"kind", op.kind == Activation::Kind::Silu ? "silu" : "gelu_new"}};
}

Json toJson(const Multiply& op)
{
    return {{"a", op.a}, {"b", op.b}, {"out", op.out}};
}

Json toJson(const Add& op)
{
    return {{"a", op.a}, {"b", op.b}, {"out", op.out}};
}

Json toJson(const WeightTransform& transform)
{
    switch (transform.kind) {
    case WeightTransform::Kind::Transpose: return {{"kind", "transpose"}};
    case WeightTransform::Kind::Rows: return {{"kind", "rows"}, {"begin", transform.begin}, {"end", transform.end}};
    case WeightTransform::Kind::UnpermuteHeads: return {{"kind", "unpermute_heads"}, {"heads", transform.begin}};
    case WeightTransform::Kind::Cast: return {{"kind", "cast"}, {"dtype", nameOf(transform.dtype)}};
    case WeightTransform::Kind::RoundTrip: return {{"kind", "round_trip"}, {"dtype", nameOf(transform.dtype)}};
    }
    return {};
}

Json toJson(const WeightReference& reference)
{
    Json transforms = Json::array();
    for (const WeightTransform& transform : reference.transforms)
        transforms.push_back(toJson(transform));
    return {{"file", reference.file},
            {"file_sha256", reference.fileSha256},
            {"tensor", reference.tensor},
            {"begin", reference.begin},
            {"end", reference.end},
            {"stored_dtype", nameOf(reference.storedDtype)},
            {"stored_shape", reference.storedShape},
            {"transforms", transforms}};
}

Json toJson(const IrWeight& weight)
{
    Json json = {{"dtype", nameOf(weight.dtype)}, {"shape", weight.shape}, {"sha256", weight.sha256}};
    if (weight.reference)
        json["reference"] = toJson(*weight.reference);
    return json;
}

// --- from JSON

Activation::Kind readActivationKind(ObjectReader& object)
{
    const std::string kind = object.text("kind");
    if (kind == "silu")
        return Activation::Kind::Silu;
    if (kind == "gelu_new")
        return Activation::Kind::GeluNew;
    object.refuse("the activation is neither \"silu\" nor \"gelu_new\"");
}

Operation readOperation(ObjectReader& object)
{
    const std::string op = object.text("op");
    if (op == "rms_norm")
        return RmsNorm{object.name("in"), object.name("out"), object.name("weight"), object.number("epsilon")};
    if (op == "layer_norm")
        return LayerNorm{object.name("in"), object.name("out"), object.name("weight"), object.name("bias"),
                         object.number("epsilon")};
    if (op == "linear")
        return Linear{object.name("in"), object.name("out"), object.name("weight"), object.name("bias")};
    if (op == "rope")
        return Rope{object.name("in"), object.name("out"), object.count("heads"), object.count("head_dim")};
    if (op == "scores")
        return Scores{object.name("query"),      object.name("key"),       object.name("out"),
                      object.count("heads"),     object.count("kv_heads"), object.count("head_dim"),
                      object.number("multiply"), object.number("divide")};
    if (op == "masked_softmax")
        return MaskedSoftmax{object.name("in"), object.name("out")};
    if (op == "mix")
        return Mix{object.name("weights"), object.name("value"),     object.name("out"),
                   object.count("heads"),  object.count("kv_heads"), object.count("head_dim")};
    if (op == "activation")
        return Activation{object.name("in"), object.name("out"), readActivationKind(object)};
    if (op == "multiply")
        return Multiply{object.name("a"), object.name("b"), object.name("out")};
    if (op == "add")
        return Add{object.name("a"), object.name("b"), object.name("out")};
    object.refuse("the operation is none that this version knows");
}

WeightTransform readTransform(ObjectReader& object)
{
    WeightTransform transform;
    const std::string kind = object.text("kind");
    if (kind == "transpose") {
        transform.kind = WeightTransform::Kind::Transpose;
    } else if (kind == "rows") {
        transform.kind = WeightTransform::Kind::Rows;
        transform.begin = object.integer("begin", 0, largestOffset);
        transform.end = object.integer("end", 0, largestOffset);
    } else if (kind == "unpermute_heads") {
        transform.kind = WeightTransform::Kind::UnpermuteHeads;
        transform.begin = object.integer("heads", 1, 1 << 20);
    } else if (kind == "cast") {
        transform.kind = WeightTransform::Kind::Cast;
        transform.dtype = object.dtype("dtype");
        if (!isFloating(transform.dtype))
            object.refuse("a cast leads to F64, F32, F16 or BF16");
    } else if (kind == "round_trip") {
        transform.kind = WeightTransform::Kind::RoundTrip;
        transform.dtype = object.dtype("dtype");
        if (transform.dtype != DType::Q8_0 && transform.dtype != DType::Q5_1 && transform.dtype != DType::Q4_0 &&
            transform.dtype != DType::Q4_1)
            object.refuse("a round trip leads through Q8_0, Q5_1, Q4_0 or Q4_1");
    } else {
        object.refuse("the transform is none that this version knows");
    }
    object.end();
    return transform;
}

// A base name: what could lead out of a folder or confuse a terminal is refused.
std::string readFileName(ObjectReader& object)
{
    std::string name = object.text("file");
    const bool odd =
        std::any_of(name.begin(), name.end(), [](char c) { return c == '/' || (c >= 0 && c < ' ') || c == 127; });
    if (name.empty() || name.size() > 255 || name == "." || name == ".." || odd)
        object.refuse("the field \"file\" is not the name of a file in the model's folder");
    return name;
}

WeightReference readReference(const Json& json, const std::string& where)
{
    ObjectReader object(json, where);
    WeightReference reference;
    reference.file = readFileName(object);
    reference.fileSha256 = object.digest("file_sha256");
    reference.tensor = object.name("tensor");
    reference.begin = static_cast<std::uint64_t>(object.integer("begin", 0, largestOffset));
    reference.end = static_cast<std::uint64_t>(object.integer("end", 0, largestOffset));
    if (reference.begin > reference.end)
        object.refuse("the byte range ends before it begins");
    reference.storedDtype = object.dtype("stored_dtype");
    reference.storedShape = object.shape("stored_shape");
    for (const Json& item : object.array("transforms")) {
        ObjectReader transform(item, where + ", transform");
        reference.transforms.push_back(readTransform(transform));
        if (reference.transforms.size() > 16)
            object.refuse("there are more than 16 transforms");
    }
    object.end();
    return reference;
}

IrWeight readWeight(const Json& json, const std::string& where)
{
    ObjectReader object(json, where);
    IrWeight weight;
    weight.dtype = object.dtype("dtype");
    weight.shape = object.shape("shape");
    weight.sha256 = object.digest("sha256");
    if (object.has("reference"))
        weight.reference = readReference(object.field("reference"), where + ", reference");
    object.end();
    return weight;
}

void checkSchema(ObjectReader& object, std::string_view source)
{
    const std::string found = object.text("schema");
    if (found == schema)
        return;
    if (found.starts_with("blockcert.program/"))
        throw UnsupportedError(
            fmt::format("{}: the program is of another version than {}; a newer program may read it.", source, schema));
    object.refuse(fmt::format("the field \"schema\" must be \"{}\"", schema));
}

}

std::string writeProgram(const BlockProgram& program)
{
    Json operations = Json::array();
    for (const Operation& operation : program.operations) {
        Json json = std::visit([](const auto& typed) { return toJson(typed); }, operation);
        json["op"] = nameOf(operation);
        operations.push_back(std::move(json));
    }
    Json weights = Json::object();
    for (const auto& [name, weight] : program.weights)
        weights[name] = toJson(weight);
    return writeJson({{"schema", schema},
                      {"layer", program.layer.value},
                      {"width", program.width},
                      {"positions", program.positions},
                      {"rope_half", program.ropeHalf},
                      {"operations", operations},
                      {"weights", weights}});
}

BlockProgram readProgram(std::string_view text, std::string_view source)
{
    const Json json = parseStrictJson(text, source);
    const std::string where(source);
    ObjectReader object(json, where);
    checkSchema(object, source);

    BlockProgram program;
    program.layer.value = object.count("layer");
    program.width = object.count("width");
    program.positions = object.integer("positions", 0, std::int64_t{1} << 24U);
    program.ropeHalf = object.count("rope_half");
    for (const Json& item : object.array("operations")) {
        ObjectReader operation(item, fmt::format("{}: operation {}", source, program.operations.size() + 1));
        program.operations.push_back(readOperation(operation));
        operation.end();
    }
    const Json& weights = object.field("weights");
    if (!weights.is_object())
        object.refuse("the field \"weights\" must be a JSON object");
    for (const auto& item : weights.items())
        program.weights[item.key()] =
            readWeight(item.value(), fmt::format("{}: weight {}", source, program.weights.size() + 1));
    object.end();

    try {
        validate(program);
    } catch (const FormatError& problem) {
        throw FormatError(fmt::format("{}: {}", source, problem.what()));
    }
    return program;
}

}
