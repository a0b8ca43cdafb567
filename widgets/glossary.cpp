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
    }
    return {};
}

}
