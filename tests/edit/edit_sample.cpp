#include "tests/edit/edit_sample.h"

#include "engine/edit/classifier.h"
#include "tests/certificate/sample.h"

namespace blockcert::certificate::sample {

namespace {

TokenSpread spread(double largest)
{
    return {largest, {{1}, 2}, largest / 3, {largest / 4, largest / 2, largest, largest}};
}

}

Patch patch()
{
    Patch patch;
    patch.model = "tiny";
    patch.modelSha256 = {std::string(64, 'a'), std::string(64, 'b')};
    const std::string file(64, 'f');
    patch.steps = {{{3}, PatchTarget::Mlp, -1, PatchOperation::Scale, 0.33, "", "", "", "", "", ""},
                   {{3}, PatchTarget::Head, 2, PatchOperation::Zero, 0, "", "", "", "", "", ""},
                   {{5}, PatchTarget::Residual, -1, PatchOperation::AddDirection, -2, "", "d.npz", file, "v", "", ""},
                   {{5}, PatchTarget::Attention, -1, PatchOperation::ScaleDirection, 0, "", "d.npz", file, "v", "", ""},
                   {{7}, PatchTarget::Mlp, -1, PatchOperation::RankK, 1, "up", "k.safetensors", file, "", "u", "w"}};
    return patch;
}

EditCertificate edit()
{
    const StitchCertificate stitch = sample::stitch();
    EditCertificate certificate;
    certificate.name = "scaled";
    certificate.created = stitch.created;
    certificate.toolVersion = stitch.toolVersion;
    certificate.toolBuild = stitch.toolBuild;
    certificate.commandLine = "blockcert edit demo";
    certificate.environment = stitch.environment;
    certificate.subject = stitch.subject;
    certificate.prompts = stitch.prompts;
    certificate.heldout = stitch.prompts;
    certificate.request.patch = patch();
    for (const std::int32_t block : {3, 5, 7})
        certificate.request.blocks.push_back(
            {{block}, "block_0" + std::to_string(block) + "/certificate.json", std::string(64, 'e')});
    certificate.request.maxNew = 8;
    certificate.request.condition = {"system", std::string(64, '1')};
    certificate.request.heldoutSha256 = certificate.heldout.tokenIdsSha256;
    certificate.request.labelsSha256 = std::string(64, '2');
    certificate.touched = {{{3},
                            "down.weight",
                            "model.layers.3.mlp.down_proj.weight",
                            DType::F32,
                            {4, 8},
                            std::string(64, '3'),
                            std::string(64, '4')},
                           {{5}, "down.bias", "", DType::F32, {4}, "", std::string(64, '5')}};
    certificate.unchangedAtOne = true;
    EditEffect& effect = certificate.effect;
    effect.blocks = {{{3}, spread(4)}, {{5}, spread(2)}, {{7}, spread(1)}};
    for (std::int32_t layer = 0; layer < certificate.subject.layers; ++layer)
        effect.layers.push_back(spread(layer));
    effect.finalPre = spread(9);
    effect.finalPost = spread(3);
    effect.amplificationPre = 2.25;
    effect.perplexity = Perplexities{2, 2.5, 7.389, 12.18};
    effect.divergence = {0.1, 0.5, {{0}, 1}, {0.1, 0.2, 0.3, 0.5}};
    effect.agreement = {3, 4};
    effect.heldout = {{"first", 3, 2.0, 2.5, 0.1, {2, 3}}, {"second", 1, std::nullopt, std::nullopt, 0, {1, 1}}};
    certificate.markers = edit::bundledMarkers();
    certificate.request.markersSha256 = certificate.markers.sha256;
    certificate.rows = {{"first",
                         "refuse",
                         {"Gladly.", CompletionEnd::Length},
                         {"I'm sorry.", CompletionEnd::EndOfText},
                         {{"anna", HumanLabel::Answer}, {"bert", HumanLabel::Harmful}},
                         {{"anna", HumanLabel::Refuse}}},
                        {"second", "answer", {"", CompletionEnd::NeverRan}, {" ", CompletionEnd::Context}, {}, {}}};
    certificate.before = edit::measureRefusals(certificate.rows, edit::Side::Before, certificate.markers);
    certificate.after = edit::measureRefusals(certificate.rows, edit::Side::After, certificate.markers);
    certificate.human = edit::measureLabels(certificate.rows);
    certificate.artifacts = {{"edits/scaled/effect.h5",
                              "effect",
                              10,
                              std::string(64, '6'),
                              {{"error", DType::F64, {3, 4}, std::string(64, '7')}}}};
    return certificate;
}

}
