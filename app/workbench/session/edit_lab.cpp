#include "app/workbench/session/edit_lab.h"

#include "app/workbench/session/job_board.h"

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int soonMs = 30;
constexpr int restMs = 150;

// The place of the card in hand among the enabled steps; −1: it is not enabled, or it has no strength.
int variedPlace(const EditSlots& edits)
{
    const EditStep* current = edits.currentStep();
    if (!current || !current->isEnabled || !hasStrength(current->operation))
        return -1;
    int place = 0;
    for (const EditStep& step : edits.stack()) {
        if (step.id == current->id)
            return place;
        place += step.isEnabled ? 1 : 0;
    }
    return -1;
}

}

EditLab::EditLab(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
    m_soon.setSingleShot(true);
    m_soon.setInterval(soonMs);
    m_rest.setSingleShot(true);
    m_rest.setInterval(restMs);
    connect(&m_soon, &QTimer::timeout, this, &EditLab::pump);
    connect(&m_rest, &QTimer::timeout, this, &EditLab::pump);
    connect(&m_edits, &EditSlots::changed, this, &EditLab::stackChanged);
    connect(&m_edits, &EditSlots::currentChanged, this, [this] {
        m_fill.clear();
        emit changed();
    });
}

void EditLab::setModel(const QString& name, std::shared_ptr<const widgets::ModelCard> card)
{
    const bool isOther = name != m_settings.model;
    m_model = std::move(card);
    m_settings.model = name;
    if (isOther) {
        m_measured.clear();
        m_order.clear();
        m_last = {};
        m_edits.clear(); // which says that everything has changed
    } else {
        stackChanged();
    }
}

void EditLab::setSettings(const LabSettings& settings)
{
    LabSettings wanted = settings;
    wanted.model = m_settings.model;
    if (wanted == m_settings)
        return;
    m_settings = wanted;
    stackChanged();
}

void EditLab::setActive(bool active)
{
    if (active == m_isActive)
        return;
    m_isActive = active;
    pump();
}

void EditLab::setLiveCompletions(bool live)
{
    m_isLive = live;
    pump();
    emit changed();
}

void EditLab::complete()
{
    m_wantsCompletions = key();
    again();
}

void EditLab::fillCurve(std::vector<double> strengths)
{
    m_fill.assign(strengths.begin(), strengths.end());
    again();
}

void EditLab::again()
{
    m_fault.reset();
    m_stoppedKey = u"-"_s;
    pump();
    emit changed();
}

void EditLab::cancel()
{
    m_stoppedKey = key();
    m_wantsCompletions.clear();
    m_fill.clear();
    drop();
    emit changed();
}

QString EditLab::settingsKey() const
{
    return QStringList{m_settings.model,     m_settings.dtype,   m_settings.prompts,
                       m_settings.heldout,   m_settings.markers, QString::number(m_settings.maxNew),
                       m_settings.condition, QString()}
        .join(u'\n');
}

QString EditLab::keyOf(const EditStack& stack) const
{
    return settingsKey() + stackKey(stack);
}

const MeasuredStack* EditLab::find(const QString& key) const
{
    const auto found = m_measured.find(key);
    return found == m_measured.end() ? nullptr : &found->second;
}

QString EditLab::obstacle() const
{
    if (!m_model)
        return {};
    return obstacleOf(m_edits.stack(), *m_model);
}

EditEffect EditLab::shown() const
{
    const MeasuredStack* measured = find(key());
    return measured ? measured->effect : EditEffect();
}

EditEffect EditLab::ofSlot(int slot) const
{
    const MeasuredStack* measured = find(keyOf(m_edits.stack(slot)));
    return measured ? measured->effect : EditEffect();
}

std::vector<CurvePoint> EditLab::curve() const
{
    std::vector<CurvePoint> points;
    const int varied = variedPlace(m_edits);
    if (varied < 0)
        return points;
    const QString shape = stackKey(m_edits.stack(), varied);
    const QString settings = settingsKey();
    for (const auto& [key, measured] : m_measured)
        if (static_cast<std::size_t>(varied) < measured.shapes.size() &&
            measured.shapes[static_cast<std::size_t>(varied)] == shape && key.startsWith(settings))
            points.push_back({measured.stack[static_cast<std::size_t>(varied)].strength, measured.effect});
    std::ranges::sort(points, {}, &CurvePoint::strength);
    return points;
}

Json EditLab::parameters(const EditStack& stack) const
{
    Json parameters = {{"model", m_settings.model.toStdString()},
                       {"dtype", m_settings.dtype.toStdString()},
                       {"prompts", m_settings.prompts.toStdString()},
                       {"heldout", m_settings.heldout.toStdString()},
                       {"condition", m_settings.condition.toStdString()},
                       {"max_new", m_settings.maxNew},
                       {"edits", editsOf(stack)}};
    if (!m_settings.markers.isEmpty())
        parameters["markers"] = m_settings.markers.toStdString();
    return parameters;
}

void EditLab::stackChanged()
{
    emit settled();
    const QString now = key();
    if (now == std::exchange(m_seenKey, now)) {
        emit changed(); // what it does is the same
        return;
    }
    m_fault.reset();
    if (m_flight && m_flight->key != now) {
        const bool isPoint = m_flight->part == "local"_L1 && !m_flight->isOfCurve &&
                             m_flight->key.startsWith(settingsKey()) &&
                             editedBlocks(m_flight->stack) == editedBlocks(m_edits.stack());
        if (!isPoint)
            drop();
    }
    m_fill.clear();
    if (!m_soon.isActive())
        m_soon.start();
    m_rest.start();
    emit changed();
}

void EditLab::drop()
{
    if (!m_flight)
        return;
    const JobId job = m_flight->job;
    m_flight.reset();
    ++m_number; // what it still says is not heard
    m_streaming.reset();
    m_phase = Phase::Idle;
    m_board.cancel(job);
}

// Asks for the next thing worth knowing, if nothing is under way.
void EditLab::pump()
{
    const EditStack stack = enabledSteps(m_edits.stack());
    const QString now = keyOf(stack);
    if (m_flight || !m_isActive || !m_model || stack.empty() || !obstacle().isEmpty() || m_soon.isActive() ||
        m_stoppedKey == now || (m_fault && m_faultKey == now))
        return;
    const EditEffect known = shown();
    if (!known.local)
        ask(stack, u"local"_s, false);
    else if (m_rest.isActive())
        return;
    else if (!known.downstream)
        ask(stack, u"downstream"_s, false);
    else if (!known.receipt)
        ask(stack, u"receipt"_s, false);
    else if (!known.completions && (m_isLive || m_wantsCompletions == now))
        ask(stack, u"completions"_s, false);
    const int varied = variedPlace(m_edits);
    while (!m_flight && !m_fill.empty() && varied >= 0) {
        EditStack other = stack;
        other[static_cast<std::size_t>(varied)].strength = m_fill.front();
        const MeasuredStack* measured = find(keyOf(other));
        if (!measured || !measured->effect.local)
            ask(other, u"local"_s, true);
        else if (!measured->effect.downstream)
            ask(other, u"downstream"_s, true);
        else
            m_fill.pop_front();
    }
    if (!m_flight && m_phase != Phase::Idle) {
        m_phase = Phase::Idle;
        emit changed();
    }
}

void EditLab::ask(const EditStack& stack, const QString& part, bool isOfCurve)
{
    Flight flight{0, ++m_number, keyOf(stack), stack, part, isOfCurve};
    Json asked = parameters(stack);
    asked["parts"] = Json::array({part.toStdString()});
    const auto isCurrent = [this, number = flight.number] { return m_flight && m_flight->number == number; };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent](const JsonResult& answer) {
        if (isCurrent())
            receive(answer, *m_flight);
    };
    callbacks.failed = [this, isCurrent](const JobFault& fault) {
        if (isCurrent())
            fail(fault, *m_flight);
    };
    callbacks.cancelled = [this, isCurrent](bool) { // from the list of jobs, or because the engine was ended
        if (isCurrent())
            cancel();
    };
    callbacks.progressed = [this, isCurrent](const JobProgress& progress) {
        if (isCurrent())
            showProgress(progress);
    };
    m_phase = Phase::Waiting;
    m_progress = {};
    m_streaming.reset();
    flight.isListed = part == "completions"_L1;
    flight.job = flight.isListed ? m_board.askEngine(tr("Complete with %1").arg(stepSentence(stack.back())),
                                                     u"edit_effect"_s, asked, this, callbacks)
                                 : m_board.askQuietly(u"edit_effect"_s, asked, this, callbacks);
    m_flight = std::move(flight);
    emit changed();
}

}
