// EditLab: what becomes of the engine's answers, whole ones and those that grow.
#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/edit_lab.h"
#include "widgets/number_text.h"

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr std::size_t mostMeasured = 600;

EditLab::Phase phaseOf(const QString& part)
{
    return part == "local"_L1        ? EditLab::Phase::Local
           : part == "downstream"_L1 ? EditLab::Phase::Downstream
           : part == "receipt"_L1    ? EditLab::Phase::Receipt
                                     : EditLab::Phase::Completions;
}

bool hasPart(const EditEffect& effect, const QString& part)
{
    return part == "local"_L1        ? effect.local != nullptr
           : part == "downstream"_L1 ? effect.downstream != nullptr
           : part == "receipt"_L1    ? effect.receipt != nullptr
                                     : effect.completions != nullptr;
}

}

void EditLab::receive(const JsonResult& answer, const Flight& flight)
{
    runInBackground<EditEffect>(
        this,
        [answer, part = flight.part] {
            EditEffect effect = editEffectOf(*answer);
            if (!hasPart(effect, part))
                throw FormatError("'" + part.toStdString() + "' is missing in it");
            return effect;
        },
        [this, flight](EditEffect effect) {
            if (m_flight && m_flight->number == flight.number) {
                m_flight.reset();
                m_streaming.reset();
                m_phase = Phase::Idle;
                keep(flight, std::move(effect));
            }
        },
        [this, flight](const QString& sentence) {
            if (m_flight && m_flight->number == flight.number)
                fail({JobFault::Origin::Protocol, tr("The answer could not be read: %1.").arg(sentence), {}, 0, false},
                     flight);
        });
}

void EditLab::keep(const Flight& flight, EditEffect effect)
{
    if (!m_measured.contains(flight.key)) {
        m_order.push_back(flight.key);
        if (m_order.size() > mostMeasured) {
            m_measured.erase(m_order.front());
            m_order.pop_front();
        }
    }
    MeasuredStack& measured = m_measured[flight.key];
    measured.stack = flight.stack;
    if (measured.shapes.empty()) // compared at every refresh of a curve
        for (std::size_t step = 0; step < flight.stack.size(); ++step)
            measured.shapes.push_back(stackKey(flight.stack, static_cast<int>(step)));
    measured.effect.edits = effect.edits;
    measured.effect.isNeutral = effect.isNeutral;
    if (flight.part == "local"_L1)
        measured.effect.local = std::move(effect.local);
    else if (flight.part == "downstream"_L1)
        measured.effect.downstream = std::move(effect.downstream);
    else if (flight.part == "receipt"_L1)
        measured.effect.receipt = std::move(effect.receipt);
    else
        measured.effect.completions = std::move(effect.completions);
    if (!flight.isOfCurve)
        m_last = measured;
    pump();
    emit changed();
}

void EditLab::fail(const JobFault& fault, const Flight& flight)
{
    m_fault = fault;
    m_faultKey = flight.isOfCurve ? key() : flight.key;
    m_flight.reset();
    m_streaming.reset();
    m_fill.clear();
    m_wantsCompletions.clear();
    m_phase = Phase::Idle;
    if (m_faultKey != key()) { // of a state that is no longer asked about
        m_fault.reset();
        pump();
    }
    emit changed();
}

void EditLab::showProgress(const JobProgress& progress)
{
    const bool prepares = progress.stage == "open"_L1 || progress.stage == "hash"_L1 || progress.stage == "load"_L1 ||
                          progress.stage == "prepare"_L1;
    const Phase phase = prepares ? Phase::Preparing : phaseOf(m_flight->part);
    m_progress = progress;
    if (progress.detail)
        stream(progress.detail);
    if (std::exchange(m_phase, phase) != phase)
        emit changed();
    else
        emit progressed();
}

// A completion that is done, or as far as it is.
void EditLab::stream(const JsonResult& detail)
{
    const bool isDone = hasValue(*detail, "completion");
    const Json& about = objectOf(*detail, isDone ? "completion" : "partial");
    const std::optional<int> prompt = indexOf(about, "prompt");
    if (!prompt || *prompt > 100'000 || m_flight->isOfCurve || m_flight->key != key())
        return;
    CompletionsEffect grown = m_streaming ? *m_streaming : CompletionsEffect();
    for (auto at = static_cast<int>(grown.rows.size()); at <= *prompt; ++at)
        grown.rows.push_back({at, {}, {}, {}, {}, {}});
    CompletionRow& row = grown.rows[static_cast<std::size_t>(*prompt)];
    const Json& done = objectOf(about, "row");
    const bool isBefore = textOf(about, "side") == "before"_L1;
    if (isDone && (hasValue(done, "before") || hasValue(done, "after"))) {
        const CompletionRow whole = completionRowOf(done);
        row.id = whole.id.isEmpty() ? row.id : whole.id;
        row.label = whole.label.isEmpty() ? row.label : whole.label;
        row.before = whole.before ? whole.before : row.before;
        row.after = whole.after ? whole.after : row.after;
        row.firstDifference = whole.firstDifference;
    } else {
        CompletedText text = isDone ? completedTextOf(done) : CompletedText();
        if (!isDone)
            text.text = textOf(about, "text");
        if (isDone && !textOf(done, "id").isEmpty())
            row.id = widgets::shownName(textOf(done, "id"));
        if (isDone && !textOf(done, "label").isEmpty())
            row.label = textOf(done, "label");
        (isBefore ? row.before : row.after) = text;
    }
    m_streaming = std::make_shared<const CompletionsEffect>(std::move(grown));
    emit streamed(*prompt);
}

}
