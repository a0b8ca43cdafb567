#include "app/workbench/session/edit_issue.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/run_settings.h"
#include "engine/base/error.h"

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QString patchPathOf(const QString& run)
{
    QString path = run;
    if (path.endsWith(".blockcert"_L1))
        path.chop(10);
    return path + u".patch.json"_s;
}

Json patchParameters(const EditLab& lab, const QString& out)
{
    return {{"model", lab.settings().model.toStdString()},
            {"edits", editsOf(lab.edits().stack())},
            {"out", out.toStdString()}};
}

Json issueParameters(const EditLab& lab, const IssueRequest& request, const QString& patch)
{
    Json parameters = lab.parameters(lab.edits().stack());
    parameters.erase("edits");
    parameters["patch"] = patch.toStdString();
    parameters["out"] = request.out.toStdString();
    if (!request.labels.isEmpty())
        parameters["labels"] = request.labels.toStdString();
    if (!request.hasLosses)
        parameters["loss"] = "none";
    return parameters;
}

Json exportParameters(const IssuedEdit& edit, const QString& model, const QString& out, const QString& dtype)
{
    return {{"run", edit.run.toStdString()},
            {"edit", edit.name.toStdString()},
            {"model", model.toStdString()},
            {"out", out.toStdString()},
            {"dtype", dtype.toStdString()}};
}

QString issueCommand(const EditLab& lab, const IssueRequest& request)
{
    const LabSettings& settings = lab.settings();
    const LabSettings usual;
    QStringList words{u"blockcert"_s, u"edit"_s, settings.model};
    if (const std::optional<QStringList> options = editOptions(lab.edits().stack()); options)
        words << *options;
    else
        words << u"--patch"_s << patchPathOf(request.out);
    words << u"--prompts"_s << settings.prompts;
    const auto option = [&words](const QString& name, const QString& value, const QString& standard) {
        if (value != standard)
            words << name << value;
    };
    option(u"--heldout"_s, settings.heldout, usual.heldout);
    option(u"--condition"_s, settings.condition, usual.condition);
    option(u"--max-new"_s, QString::number(settings.maxNew), QString::number(usual.maxNew));
    option(u"--markers"_s, settings.markers, {});
    option(u"--labels"_s, request.labels, {});
    option(u"--dtype"_s, settings.dtype, usual.dtype);
    if (!request.hasLosses)
        words << u"--loss"_s << u"none"_s;
    return shellCommand(words << u"-o"_s << request.out);
}

IssuedEdit issuedEditOf(const Json& answer)
{
    IssuedEdit issued;
    issued.run = textOf(answer, "run");
    issued.name = textOf(answer, "name");
    if (issued.name.isEmpty()) // "edits/NAME/certificate.json"
        issued.name = textOf(answer, "path").section(u'/', -2, -2);
    if (issued.run.isEmpty())
        throw FormatError("the certificate does not say where it is");
    issued.wasThere = flagOf(answer, "already");
    issued.epsilon = numberOf(answer, "epsilon_edit");
    issued.sentence = textsOf(answer, "edits").join(u", "_s);
    return issued;
}

}
