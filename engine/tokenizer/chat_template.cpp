#include "engine/tokenizer/chat_template.h"

#include "engine/base/sha256.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/parser.h"
#include "engine/tokenizer/unicode.h"

namespace blockcert::tokenizer {

RenderedChat renderTemplate(std::string_view source, std::span<const ChatMessage> messages,
                            const std::map<std::string, std::string>& strings, bool addGenerationPrompt,
                            std::string_view date)
{
    using jinja::Value;
    requireUtf8(source, "The chat template");
    std::vector<Value> list;
    for (const ChatMessage& message : messages) {
        requireUtf8(message.role, "The role of a message");
        requireUtf8(message.content, "The content of a message");
        list.push_back(
            Value::dictionary({{"role", Value::text(message.role)}, {"content", Value::text(message.content)}}));
    }
    std::map<std::string, Value, std::less<>> globals;
    for (const auto& [name, text] : strings)
        globals[name] = Value::text(text);
    globals["messages"] = Value::list(std::move(list));
    globals["add_generation_prompt"] = Value::boolean(addGenerationPrompt);
    globals["tools"] = Value::none();
    globals["documents"] = Value::none();

    const jinja::Block program = jinja::parse(source);
    jinja::Interpreter interpreter(std::move(globals), date.empty() ? "26 Jul 2024" : std::string(date), {});
    RenderedChat result;
    result.text = interpreter.run(program);
    result.usedDate = interpreter.usedDate();
    result.templateSha256 = sha256Of(source);
    return result;
}

}
