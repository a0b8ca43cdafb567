#include "engine/certificate/subject_of.h"

#include "engine/artifact/checkpoint.h"

namespace blockcert::certificate {

Subject subjectOf(const artifact::Checkpoint& checkpoint)
{
    const TransformerConfig& config = checkpoint.config();
    Subject subject;
    subject.model = checkpoint.name();
    subject.architecture = config.architecture == Architecture::Llama ? "llama" : "gpt2";
    subject.configSha256 = checkpoint.configSha256();
    subject.layers = config.layers;
    subject.dModel = config.dModel;
    subject.heads = config.heads;
    for (const artifact::WeightFile& file : checkpoint.files())
        subject.files.push_back({file.path.filename().string(), file.size, file.sha256});
    return subject;
}

}
