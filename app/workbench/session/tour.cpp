#include "app/workbench/session/tour.h"

#include <QCoreApplication>

namespace blockcert::workbench {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Tour)
};

std::vector<TourStep> makeSteps()
{
    using Place = TourStep::Place;
    using Target = TourStep::Target;
    using Action = TourStep::Action;
    const auto tr = [](const char* text) { return Text::tr(text); };
    return {
        {Place::Open,
         Target::Rail,
         Action::None,
         tr("From a model to a claim that anyone can check"),
         tr("The work goes from top to bottom here: open a model, run a measurement, explore where it fails, verify "
            "it. "
            "This tour uses a finished run of three blocks of the demo model, so there is nothing to wait for. "
            "Everything stays usable meanwhile; Esc leaves, and the tour goes on where you left it."),
         {}},
        {Place::Explore,
         Target::Map,
         Action::None,
         tr("One cell is one token at one block"),
         tr("Three prompts were fed to the model. For each of blocks 0, 15 and 29 an explicit program got the same "
            "inputs, and its output was compared with the model's own. Blue: the error is at most τ = 0.002. One cell "
            "is orange: can you find it?"),
         {}},
        {Place::Explore, Target::Inspector, Action::HoldWorst, tr("What is this number?"),
         tr("Hold the orange cell, with a click or with the button below. The panel says what the number is, where it "
            "comes from and what to do next. Its token is the first of its prompt: there the residual stream is "
            "several times longer than elsewhere, and rounding moves it further."),
         tr("Hold the orange cell")},
        {Place::Coverage,
         Target::Coverage,
         Action::None,
         tr("0.95 is one token"),
         tr("Coverage is the share of tokens within the threshold. The strip of block 29 turns 0.95 back into the "
            "token that is missing: 19 of 20 are covered."),
         {}},
        {Place::Explore,
         Target::Blocks,
         Action::None,
         tr("ε is the largest error"),
         tr("Each row is a block: ε, the largest error of any token; the mean; coverage; and how much of the model's "
            "loss stays when the program takes the block's place. A dashed ring means claimed: nobody has checked it "
            "on this machine yet."),
         {}},
        {Place::Certificate,
         Target::Certificate,
         Action::None,
         tr("A certificate is a claim with its evidence"),
         tr("Block 29 is certified, because 95 % is at least the 94 % that the policy asks for, and the loss is kept. "
            "All of it is about these 20 tokens and says nothing about others."),
         {}},
        {Place::Verify, Target::VerifyHow, Action::Verify, tr("Do not believe it"),
         tr("Verifying recomputes the numbers here, with a small program that shares nothing with the one that issued "
            "them. Level 3 replays every cell. It needs the demo model's file for the weights, and takes a few "
            "seconds."),
         tr("Verify at level 3")},
        {Place::Verify, Target::Verdict, Action::Verify, tr("Issuer says, recomputed here"),
         tr("Every check sets the issuer's number beside ours. The sentence at the top names the level and what was "
            "not checked: a check that was left out is never green."),
         tr("Verify at level 3")},
        {Place::Lab, Target::Lab, Action::Tamper, tr("Now break it"),
         tr("The lab works on a copy. Make ε ten times smaller and see who notices. Then cover it up by writing the "
            "digests anew, and try levels 1 and 3."),
         tr("Make ε smaller and verify")},
        {Place::Run, Target::Prompts, Action::OpenDemo, tr("Your turn"),
         tr("Open the demo model, choose prompts and blocks, and press Run: a first block takes a few seconds. What "
            "you measure can be verified in the same way, here and by anybody else."),
         tr("Open the demo model")},
    };
}

}

const std::vector<TourStep>& tourSteps()
{
    static const std::vector<TourStep> steps = makeSteps();
    return steps;
}

}
