#include "app/workbench/session/preferences.h"

#include "app/workbench/session/run_settings.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>
#include <QStandardPaths>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int recentCount = 8;

}

QString installedProgram(const QString& name)
{
    const QDir here(QCoreApplication::applicationDirPath());
    for (const QString& place :
         {name, u"../libexec/blockcert/"_s + name, u"../bin/"_s + name, u"../../bin/"_s + name}) {
        const QFileInfo file(here.filePath(place));
        if (file.isFile() && file.isExecutable())
            return file.canonicalFilePath();
    }
    return name;
}

QString freshRunPath(const QString& folder, const QString& model, const QString& prompts, const QString& dtype,
                     const QStringList& taken)
{
    static const QRegularExpression unsafe(u"[^A-Za-z0-9._-]+"_s);
    QString name = u"%1-%2-%3"_s.arg(model, prompts, dtype);
    name.replace(unsafe, u"-"_s);
    while (name.startsWith(u'.') || name.startsWith(u'-'))
        name.remove(0, 1);
    const QDir place(folder);
    QString path = place.filePath(name + u".blockcert"_s);
    for (int i = 2; QFileInfo::exists(path) || taken.contains(path); ++i)
        path = place.filePath(u"%1-%2.blockcert"_s.arg(name).arg(i));
    return path;
}

Preferences::Preferences()
    : m_settings(QStandardPaths::writableLocation(QStandardPaths::AppConfigLocation) + u"/window.ini"_s,
                 QSettings::IniFormat)
{
}

widgets::Appearance Preferences::appearance() const
{
    const QString name = m_settings.value(u"appearance"_s).toString();
    return name == "light"_L1  ? widgets::Appearance::Light
           : name == "dark"_L1 ? widgets::Appearance::Dark
                               : widgets::Appearance::Desktop;
}

void Preferences::setAppearance(widgets::Appearance appearance)
{
    m_settings.setValue(u"appearance"_s, appearance == widgets::Appearance::Light  ? u"light"_s
                                         : appearance == widgets::Appearance::Dark ? u"dark"_s
                                                                                   : u"desktop"_s);
}

QString Preferences::engineCommandLine() const
{
    return m_settings.value(u"engine/command"_s).toString();
}

void Preferences::setEngineCommandLine(const QString& command)
{
    m_settings.setValue(u"engine/command"_s, command.trimmed());
}

EngineCommand Preferences::engineCommand() const
{
    QStringList words = shellWords(engineCommandLine());
    if (words.isEmpty())
        return {installedProgram(u"blockcert-engine"_s), {u"serve"_s}, false};
    const QString program = words.takeFirst();
    return {program, words, engineIsRemote()};
}

bool Preferences::engineIsRemote() const
{
    const QStringList words = shellWords(engineCommandLine());
    const bool guess = !words.isEmpty() && QFileInfo(words.front()).fileName() == "ssh"_L1;
    return !words.isEmpty() && m_settings.value(u"engine/remote"_s, guess).toBool();
}

void Preferences::setEngineIsRemote(bool remote)
{
    m_settings.setValue(u"engine/remote"_s, remote);
}

QString Preferences::remoteRunFolder() const
{
    return m_settings.value(u"engine/run_folder"_s, u"blockcert-runs"_s).toString();
}

void Preferences::setRemoteRunFolder(const QString& folder)
{
    m_settings.setValue(u"engine/run_folder"_s, folder);
}

QString Preferences::toolPathSetting() const
{
    return m_settings.value(u"tool/path"_s).toString();
}

QString Preferences::toolPath() const
{
    const QString path = toolPathSetting();
    return path.isEmpty() ? installedProgram(u"blockcert"_s) : path;
}

void Preferences::setToolPath(const QString& path)
{
    m_settings.setValue(u"tool/path"_s, path.trimmed());
}

QString Preferences::runFolder() const
{
    const QString standard = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + u"/runs"_s;
    return m_settings.value(u"runs/folder"_s, standard).toString();
}

void Preferences::setRunFolder(const QString& folder)
{
    m_settings.setValue(u"runs/folder"_s, folder);
}

QString Preferences::annotationsPath()
{
    return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + u"/annotations.json"_s;
}

QList<RecentItem> Preferences::readRecent(const QString& group) const
{
    QList<RecentItem> items;
    const int count = m_settings.beginReadArray(group);
    for (int i = 0; i < std::min(count, recentCount); ++i) {
        m_settings.setArrayIndex(i);
        items.append({m_settings.value(u"path"_s).toString(), m_settings.value(u"title"_s).toString()});
    }
    m_settings.endArray();
    return items;
}

void Preferences::addRecent(const QString& group, const RecentItem& item)
{
    QList<RecentItem> items = readRecent(group);
    items.removeIf([&item](const RecentItem& other) { return other.path == item.path; });
    items.prepend(item);
    while (items.size() > recentCount)
        items.removeLast();
    m_settings.beginWriteArray(group, static_cast<int>(items.size()));
    for (int i = 0; i < items.size(); ++i) {
        m_settings.setArrayIndex(i);
        m_settings.setValue(u"path"_s, items[i].path);
        m_settings.setValue(u"title"_s, items[i].title);
    }
    m_settings.endArray();
}

QList<RecentItem> Preferences::recentModels() const
{
    return readRecent(u"recent_models"_s);
}

void Preferences::addRecentModel(const RecentItem& item)
{
    addRecent(u"recent_models"_s, item);
}

QList<RecentItem> Preferences::recentRuns() const
{
    return readRecent(u"recent_runs"_s);
}

void Preferences::addRecentRun(const RecentItem& item)
{
    addRecent(u"recent_runs"_s, item);
}

QList<RecentItem> Preferences::recentPatches() const
{
    return readRecent(u"recent_patches"_s);
}

void Preferences::addRecentPatch(const RecentItem& item)
{
    addRecent(u"recent_patches"_s, item);
}

QByteArray Preferences::savedLab() const
{
    return m_settings.value(u"lab/stacks"_s).toByteArray();
}

void Preferences::setSavedLab(const QByteArray& text)
{
    m_settings.setValue(u"lab/stacks"_s, text);
}

QByteArray Preferences::savedVerdicts() const
{
    return m_settings.value(u"verify/verdicts"_s).toByteArray();
}

void Preferences::setSavedVerdicts(const QByteArray& text)
{
    m_settings.setValue(u"verify/verdicts"_s, text);
}

ShellLayout::Name Preferences::layoutName() const
{
    const int number = m_settings.value(u"layout"_s).toInt();
    return ShellLayout::all[static_cast<std::size_t>(std::clamp(number, 0, 2))];
}

ShellLayout Preferences::layout(ShellLayout::Name name) const
{
    ShellLayout layout = ShellLayout::standard(name);
    const QString group = u"layouts/%1/"_s.arg(static_cast<int>(name));
    layout.side = m_settings.value(group + u"side"_s, layout.side).toBool();
    layout.drawer = m_settings.value(group + u"drawer"_s, layout.drawer).toBool();
    layout.explains = m_settings.value(group + u"explains"_s, layout.explains).toBool();
    layout.typeScale = std::clamp(m_settings.value(group + u"type_scale"_s, layout.typeScale).toDouble(), 1.0, 2.0);
    return layout;
}

void Preferences::setLayout(const ShellLayout& layout)
{
    const QString group = u"layouts/%1/"_s.arg(static_cast<int>(layout.name));
    m_settings.setValue(u"layout"_s, static_cast<int>(layout.name));
    m_settings.setValue(group + u"side"_s, layout.side);
    m_settings.setValue(group + u"drawer"_s, layout.drawer);
    m_settings.setValue(group + u"explains"_s, layout.explains);
    m_settings.setValue(group + u"type_scale"_s, layout.typeScale);
}

int Preferences::tourStep() const
{
    return std::max(0, m_settings.value(u"tour/step"_s).toInt());
}

void Preferences::setTourStep(int step)
{
    m_settings.setValue(u"tour/step"_s, step);
}

void Preferences::resetLayout(ShellLayout::Name name)
{
    m_settings.remove(u"layouts/%1"_s.arg(static_cast<int>(name)));
}

QString Preferences::lastFolder(const QString& kind) const
{
    return m_settings.value(u"folders/"_s + kind, QDir::homePath()).toString();
}

void Preferences::setLastFolder(const QString& kind, const QString& folder)
{
    m_settings.setValue(u"folders/"_s + kind, folder);
}

QByteArray Preferences::geometry() const
{
    return m_settings.value(u"window/geometry"_s).toByteArray();
}

QByteArray Preferences::splitters() const
{
    return m_settings.value(u"window/splitters"_s).toByteArray();
}

void Preferences::setWindow(const QByteArray& geometry, const QByteArray& splitters)
{
    m_settings.setValue(u"window/geometry"_s, geometry);
    m_settings.setValue(u"window/splitters"_s, splitters);
}

bool Preferences::notifies() const
{
    return m_settings.value(u"notify"_s, true).toBool();
}

void Preferences::setNotifies(bool notifies)
{
    m_settings.setValue(u"notify"_s, notifies);
}

VerifySpeeds Preferences::verifySpeeds() const
{
    return {m_settings.value(u"measured/verify_bytes"_s).toDouble(),
            m_settings.value(u"measured/verify_replay"_s).toDouble(),
            m_settings.value(u"measured/verify_model"_s).toDouble()};
}

void Preferences::setVerifySpeeds(const VerifySpeeds& speeds)
{
    m_settings.setValue(u"measured/verify_bytes"_s, speeds.bytes);
    m_settings.setValue(u"measured/verify_replay"_s, speeds.replay);
    m_settings.setValue(u"measured/verify_model"_s, speeds.model);
}

bool Preferences::restoresPlace() const
{
    return m_settings.value(u"last/restore"_s, true).toBool();
}

void Preferences::setRestoresPlace(bool restores)
{
    m_settings.setValue(u"last/restore"_s, restores);
}

LastPlace Preferences::lastPlace() const
{
    LastPlace place;
    place.page = m_settings.value(u"last/page"_s).toInt();
    place.model = m_settings.value(u"last/model"_s).toString();
    place.run = m_settings.value(u"last/run"_s).toString();
    place.check = m_settings.value(u"last/check"_s).toString();
    place.other = m_settings.value(u"last/other"_s).toString();
    place.cell.block = m_settings.value(u"last/block"_s, -1).toInt();
    place.cell.prompt = m_settings.value(u"last/prompt"_s, -1).toInt();
    place.cell.token = m_settings.value(u"last/token"_s, -1).toInt();
    return place;
}

void Preferences::setLastPlace(const LastPlace& place)
{
    m_settings.setValue(u"last/page"_s, place.page);
    m_settings.setValue(u"last/model"_s, place.model);
    m_settings.setValue(u"last/run"_s, place.run);
    m_settings.setValue(u"last/check"_s, place.check);
    m_settings.setValue(u"last/other"_s, place.other);
    m_settings.setValue(u"last/block"_s, place.cell.block);
    m_settings.setValue(u"last/prompt"_s, place.cell.prompt);
    m_settings.setValue(u"last/token"_s, place.cell.token);
}

std::vector<RunPace> Preferences::runPaces() const
{
    std::vector<RunPace> paces;
    const int count = m_settings.beginReadArray(u"measured/paces"_s);
    for (int i = 0; i < count; ++i) {
        m_settings.setArrayIndex(i);
        paces.push_back({m_settings.value(u"model"_s).toString(), m_settings.value(u"dtype"_s).toString(),
                         m_settings.value(u"flops"_s).toDouble(), m_settings.value(u"seconds"_s).toDouble(),
                         m_settings.value(u"seconds_before"_s).toDouble()});
    }
    m_settings.endArray();
    return paces;
}

void Preferences::setRunPaces(const std::vector<RunPace>& paces)
{
    m_settings.remove(u"measured/flops_per_second"_s); // one speed for all models, of earlier versions
    m_settings.beginWriteArray(u"measured/paces"_s, static_cast<int>(paces.size()));
    for (std::size_t i = 0; i < paces.size(); ++i) {
        m_settings.setArrayIndex(static_cast<int>(i));
        m_settings.setValue(u"model"_s, paces[i].model);
        m_settings.setValue(u"dtype"_s, paces[i].dtype);
        m_settings.setValue(u"flops"_s, paces[i].flops);
        m_settings.setValue(u"seconds"_s, paces[i].seconds);
        m_settings.setValue(u"seconds_before"_s, paces[i].secondsBefore);
    }
    m_settings.endArray();
}

}
