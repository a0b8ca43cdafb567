#include "widgets/glossary.h"

#include <QCoreApplication>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Glossary)
};

}

QString termName(Term term)
{
    switch (term) {
    case Term::Surrogate: return Text::tr("Surrogate");
    case Term::Error: return Text::tr("Error");
    case Term::Epsilon: return Text::tr("ε (epsilon)");
    case Term::Coverage: return Text::tr("Activation coverage");
    case Term::LossCoverage: return Text::tr("Loss coverage");
    case Term::Certificate: return Text::tr("Certificate");
    case Term::VerificationLevel: return Text::tr("Verification level");
    case Term::EditError: return Text::tr("Local error of an edit");
    case Term::FinalDeviation: return Text::tr("Final deviation, amplification");
    case Term::Divergence: return Text::tr("KL, perplexity");
    case Term::Interval: return Text::tr("3 of 12 [0.09, 0.53]");
    }
    return {};
}

QString termText(Term term)
{
    switch (term) {
    case Term::Surrogate:
        return Text::tr("An explicit program that is meant to do what a block of the model does: a copy of it, or a "
                        "cheaper one. It is fed the vectors that the block was fed, and the outputs are compared.");
    case Term::Error:
        return Text::tr("How far the surrogate's output ŷ lies from the model's own y at one token: the length "
                        "‖ŷ − y‖₂ of the difference, over all numbers of the vector. Relative error: the same divided "
                        "by ‖y‖₂.");
    case Term::Epsilon:
        return Text::tr("The largest error of a block over all measured tokens. One token decides it. It is measured: "
                        "it says nothing about tokens that were not among the prompts.");
    case Term::Coverage:
        return Text::tr("The share of measured tokens whose error is at most τ. 0.95 of 20 tokens means that one "
                        "token lies beyond; the coverage strips and the list of failures name it.");
    case Term::LossCoverage:
        return Text::tr(
            "The share of the model's loss that falls on tokens whose loss moves by at most τ_loss when "
            "the surrogate takes the block's place. A token that the model already found hard weighs more.");
    case Term::Certificate:
        return Text::tr("A claim about one block on the recorded prompts: the numbers, the thresholds they were held "
                        "against, and digests of everything needed to compute them again. A block is certified if "
                        "coverage and loss coverage reach the policy's limits. Whether the claim is true is what "
                        "Verify finds out.");
    case Term::VerificationLevel:
        return Text::tr("How much is recomputed. 0: only the form. 1: digests of all files. 2: some cells replayed. "
                        "3: every cell, every number. 4: also everything from the model's own file and the prompts' "
                        "texts. A verdict always names its level and what it left out.");
    case Term::EditError:
        return Text::tr("How far the edited block's output lies from the unedited one's, ‖ŷ′ − ŷ‖₂, when both are fed "
                        "what the unedited model feeds the block. ε is the largest over all tokens. It tells how much "
                        "was changed at that place, not what comes of it.");
    case Term::FinalDeviation:
        return Text::tr(
            "How far the residual stream is off behind the last block, before and after the final norm: the "
            "largest over all tokens. Amplification is that divided by ε; with several edited blocks there "
            "is no such number.");
    case Term::Divergence:
        return Text::tr("On prompts that the edit is not about: KL(unedited ‖ edited) says how much the next token's "
                        "probabilities move, in nats; perplexity how well the model predicts the text. A small KL can "
                        "still hide one prompt that suffers, so look at the worst.");
    case Term::Interval:
        return Text::tr(
            "A count with its Wilson 95 % interval. Twelve prompts are few: 3 of 12 is anything from 9 % to "
            "53 %, so 3 against 5 is no difference. The count is what a list of markers says; read the "
            "texts.");
    }
    return {};
}

}
