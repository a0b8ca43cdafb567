#include "app/workbench/session/shell_layout.h"

#include <QCoreApplication>

namespace blockcert::workbench {

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("ShellLayout", text);
}

}

QString ShellLayout::title(Name name)
{
    switch (name) {
    case Name::Explore: return tr("Explore");
    case Name::Audit: return tr("Audit");
    case Name::Teach: return tr("Teach");
    }
    return {};
}

QString ShellLayout::purpose(Name name)
{
    switch (name) {
    case Name::Explore: return tr("The map with its inspector, for finding where a surrogate departs");
    case Name::Audit: return tr("Every check with both numbers, and the jobs that make them");
    case Name::Teach: return tr("Large type, and on every page what its words mean");
    }
    return {};
}

ShellLayout ShellLayout::standard(Name name)
{
    ShellLayout layout;
    layout.name = name;
    layout.drawer = name == Name::Audit;
    layout.listsEveryCheck = name == Name::Audit;
    layout.explains = name == Name::Teach;
    layout.typeScale = name == Name::Teach ? 1.25 : 1;
    return layout;
}

}
