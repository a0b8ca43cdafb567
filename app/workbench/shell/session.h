// Everything the window works with, made once and in order: settings, child processes, documents.
#pragma once

#include "app/workbench/process/engine_client.h"
#include "app/workbench/process/tool_runner.h"
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/answer.h"
#include "app/workbench/session/certified_edit.h"
#include "app/workbench/session/edit_issue.h"
#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/edit_words.h"
#include "app/workbench/session/experiments.h"
#include "app/workbench/session/failure_anatomy.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/label_book.h"
#include "app/workbench/session/model_document.h"
#include "app/workbench/session/preferences.h"
#include "app/workbench/session/prompt_document.h"
#include "app/workbench/session/report_book.h"
#include "app/workbench/session/run_catalogue.h"
#include "app/workbench/session/run_diff.h"
#include "app/workbench/session/run_document.h"
#include "app/workbench/session/run_fetch.h"
#include "app/workbench/session/run_launcher.h"
#include "app/workbench/session/run_queue.h"
#include "app/workbench/session/selection_bus.h"
#include "app/workbench/session/stitch_answer.h"
#include "app/workbench/session/sweep_board.h"
#include "app/workbench/session/tamper_lab.h"
#include "app/workbench/session/verdict_batch.h"
#include "app/workbench/session/verdict_book.h"
#include "app/workbench/session/verdict_document.h"

namespace blockcert::workbench {

// GUI thread. Members are destroyed in reverse: the documents before the processes they ask.
struct Session {
    explicit Session(EnginePatience patience = {})
        : engine(preferences.engineCommand(), patience)
        , tool(preferences.toolPath())
    {
        board.setEngineIsRemote(!preferences.engineCommandLine().isEmpty());
        launcher.setPaces(preferences.runPaces());
    }

    Preferences preferences;
    EngineClient engine;
    ToolRunner tool;
    JobBoard board{engine, tool};
    ModelDocument model{board};
    PromptDocument prompts{board};
    RunLauncher launcher{board};
    RunFetch fetch{board};
    RunQueue queue;
    RunDocument run{board};
    RunDocument other{board};    // B
    Answer<RunDiff> diff{board}; // of the two
    ExperimentBoard experiments{board};
    Answer<StitchResult> stitch{board};
    Answer<StitchText> stitchText{board};
    EditLab editLab{board};
    Answer<widgets::PromptList> editPrompts{board}; // of the lab
    Answer<QString> editPatch{board};               // the path of the patch that was written
    Answer<OpenedPatch> editOpened{board};
    Answer<MarkerTable> editMarkers{board};
    Answer<std::vector<CertifiedEdit>> editRead{board}; // certificates of a run
    Answer<IssuedEdit> editIssue{board};
    SweepBoard sweep{board};
    LabelBook labels;
    Answer<LabelSource> labelSource{board}; // the texts of an edit certificate
    Answer<QString> editExport{board};      // a sentence
    Answer<FailureAnatomy> anatomy{board};  // of the opened run
    Answer<MinimisedPrompt> minimised{board};
    VerdictDocument verdict{board};
    VerdictBatch batch{board};
    VerdictBook verdicts;
    TamperLab lab{board};
    ReportBook report;
    RunCatalogue catalogue{board};
    Annotations notes{preferences.annotationsPath()};
    SelectionBus selection;
};

}
