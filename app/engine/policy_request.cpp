#include "app/engine/policy_request.h"

#include "engine/certificate/policy_file.h"

namespace blockcert::engine {

namespace {

Policy defaultsFor(const std::string& dtype)
{
    return certificate::defaultPolicy(dtype == "bf16" ? DType::BF16 : dtype == "fp16" ? DType::F16 : DType::F32);
}

}

Json withPolicy(const command_line::ParsedCommand& command)
{
    Json request = command.parameters();
    Json policy = Json::object();
    if (command.has("policy")) {
        const Policy given =
            certificate::readPolicyFile(command.text("policy"), defaultsFor(command.text("dtype"))).policy;
        policy = {{"tau_act", given.tauAct},       {"tau_loss", given.tauLoss},
                  {"tau_rel", given.tauRel},       {"alpha_act", given.alphaAct},
                  {"alpha_loss", given.alphaLoss}, {"error", given.measure == ErrorMeasure::L2 ? "l2" : "relative-l2"}};
    }
    for (const char* name : {"tau_act", "tau_loss", "tau_rel", "alpha_act", "alpha_loss", "error"}) {
        if (const auto single = request.find(name); single != request.end()) {
            policy[name] = *single;
            request.erase(single);
        }
    }
    request["policy"] = policy;
    return request;
}

}
