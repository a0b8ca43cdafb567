// From a stack in the lab to files: the requests that write its patch, its certificate and its checkpoint, and the
// command that does the same.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "engine/base/strict_json.h"

#include <QString>

namespace blockcert::workbench {

// What the dialog decides; everything else is the lab's.
struct IssueRequest {
    QString out;           // the run folder
    QString labels;        // a CSV of human labels; empty: none
    bool hasLosses = true; // the block certificates of a new run measure losses, too
};

struct IssuedEdit {
    QString run;
    QString name; // in edits/
    bool wasThere = false;
    double epsilon = widgets::missing;
    QString key;      // of the stack and the settings that it is of; see EditLab
    QString sentence; // what was edited
};

// RUN.patch.json beside RUN.blockcert.
[[nodiscard]] QString patchPathOf(const QString& run);
[[nodiscard]] Json patchParameters(const EditLab& lab, const QString& out);
[[nodiscard]] Json issueParameters(const EditLab& lab, const IssueRequest& request, const QString& patch);
[[nodiscard]] Json exportParameters(const IssuedEdit& edit, const QString& model, const QString& out,
                                    const QString& dtype);
// With a patch file where the stack is more than one step.
[[nodiscard]] QString issueCommand(const EditLab& lab, const IssueRequest& request);
[[nodiscard]] IssuedEdit issuedEditOf(const Json& answer);

}
