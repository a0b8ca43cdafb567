#include "app/workbench/session/run_fetch.h"

#include "app/workbench/process/background.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/job_board.h"
#include "engine/base/sha256.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QThreadPool>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr QLatin1StringView sumsName("SHA256SUMS");

struct RemoteFile {
    QString path;
    qint64 size = 0;
    QString sha256;
};

// Relative, below the folder, and nothing that a file system could read as something else.
bool isSafe(const QString& path)
{
    if (path.isEmpty() || path.size() > 512 || path.contains(u'\\') || path.contains(QChar(0)))
        return false;
    const QStringList parts = path.split(u'/');
    for (const QString& part : parts)
        if (part.isEmpty() || part == "."_L1 || part == ".."_L1 || part.size() > 255)
            return false;
    return parts.size() <= 6;
}

bool isDigest(const QString& text)
{
    static const QString digits = u"0123456789abcdef"_s;
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](QChar c) { return digits.contains(c); });
}

[[noreturn]] void refuse(const QString& sentence)
{
    throw FormatError(sentence.toStdString());
}

}

struct RunFetch::Work {
    QString target;
    std::unique_ptr<QTemporaryDir> folder; // beside the target, so that a rename suffices
    JobId entry = 0;                       // in the list of jobs
    JobId request = 0;                     // the one under way
    QString digest;
    std::vector<RemoteFile> files;
    std::size_t at = 0; // the file under way
    qint64 offset = 0;
    qint64 done = 0;
    qint64 total = 0;
    QElapsedTimer clock;
    bool isWriting = false; // in the thread pool, which then has the members below
    // Of the file under way; used in the thread pool, one chunk after the other.
    std::unique_ptr<QFile> file;
    std::unique_ptr<QCryptographicHash> hash;

    [[nodiscard]] QString pathOf(const RemoteFile& remote) const { return folder->filePath(remote.path); }

    void write(const QByteArray& bytes);
    void check() const;
};

// Any thread; one call at a time.
void RunFetch::Work::write(const QByteArray& bytes)
{
    const RemoteFile& remote = files[at];
    if (!file) {
        const QString path = pathOf(remote);
        file = std::make_unique<QFile>(path);
        hash = std::make_unique<QCryptographicHash>(QCryptographicHash::Sha256);
        if (!QDir().mkpath(QFileInfo(path).path()) || !file->open(QIODevice::WriteOnly | QIODevice::NewOnly))
            throw FileError(tr("%1 could not be written (%2).").arg(path, file->errorString()).toStdString());
    }
    hash->addData(bytes);
    if (file->write(bytes) != bytes.size())
        throw FileError(tr("%1 could not be written (%2).").arg(file->fileName(), file->errorString()).toStdString());
    if (offset + bytes.size() < remote.size)
        return;
    const bool isFlushed = file->flush();
    file->close();
    if (!isFlushed || file->error() != QFileDevice::NoError)
        throw FileError(tr("%1 could not be written (%2).").arg(file->fileName(), file->errorString()).toStdString());
    file.reset();
    if (QString::fromLatin1(hash->result().toHex()) != remote.sha256)
        refuse(
            tr("%1 did not arrive as the engine lists it (its SHA-256 is another one); nothing was kept. Fetch the run "
               "again.")
                .arg(remote.path));
}

// That the list the engine gave is the run's own.
void RunFetch::Work::check() const
{
    QByteArray expected;
    for (const RemoteFile& remote : files)
        if (remote.path != sumsName)
            expected += remote.sha256.toLatin1() + "  " + remote.path.toUtf8() + '\n';
    QFile sums(folder->filePath(sumsName));
    if (!sums.open(QIODevice::ReadOnly) || sums.readAll() != expected)
        refuse(tr("The engine's list of files is not what the run's SHA256SUMS says; nothing was kept."));
}

RunFetch::RunFetch(JobBoard& board, FetchLimits limits, QObject* parent)
    : QObject(parent)
    , m_board(board)
    , m_limits(limits)
{
}

RunFetch::~RunFetch() = default;

void RunFetch::start(const QString& remoteRun, const QString& folder)
{
    if (m_work) {
        emit failed(tr("%1 is being fetched; wait for its end.").arg(m_remote));
        return;
    }
    m_remote = remoteRun;
    m_work = std::make_shared<Work>();
    m_work->target = folder;
    m_work->clock.start();
    m_work->entry = m_board.begin(tr("Fetch %1").arg(QFileInfo(remoteRun).fileName()), [this] { cancel(); });
    JobCallbacks callbacks;
    callbacks.finished = [this, work = m_work](const JsonResult& answer) {
        if (isCurrent(work))
            list(*answer);
    };
    callbacks.failed = [this, work = m_work](const JobFault& fault) {
        if (isCurrent(work))
            fail(fault.sentence);
    };
    callbacks.cancelled = [this, work = m_work](bool) {
        if (isCurrent(work))
            fail(tr("The engine was stopped."));
    };
    m_work->request =
        m_board.askQuietly(u"run_files"_s, {{"run", remoteRun.toStdString()}}, this, std::move(callbacks));
}

void RunFetch::list(const Json& answer)
{
    const std::shared_ptr<Work> work = m_work;
    work->digest = textOf(answer, "digest");
    const Json& files = arrayOf(answer, "files");
    if (static_cast<int>(std::min<std::size_t>(files.size(), 1U << 30U)) > m_limits.files) {
        fail(tr("The run has %1 files, more than are fetched (%2).").arg(files.size()).arg(m_limits.files));
        return;
    }
    for (const Json& file : files) {
        const RemoteFile remote{textOf(file, "path"), wholeOf(file, "size", -1), textOf(file, "sha256")};
        if (!isSafe(remote.path) || remote.size < 0 || !isDigest(remote.sha256)) {
            fail(
                tr("The engine lists a file that cannot be part of a run (%1); nothing was fetched.").arg(remote.path));
            return;
        }
        if (remote.size > m_limits.bytes - work->total) {
            fail(tr("The run is larger than what is fetched (%1 GB).").arg(m_limits.bytes >> 30));
            return;
        }
        work->total += remote.size;
        work->files.push_back(remote);
    }
    if (work->files.empty() || work->files.back().path != sumsName || work->files.back().sha256 != work->digest) {
        fail(tr("The engine's list of files does not end with SHA256SUMS; nothing was fetched."));
        return;
    }
    runInBackground<std::shared_ptr<QTemporaryDir>>(
        this,
        [target = work->target] {
            if (QFileInfo::exists(target))
                throw FileError(tr("%1 is there already; choose another name.").arg(target).toStdString());
            const QFileInfo place(target);
            QDir().mkpath(place.path());
            auto made = std::make_shared<QTemporaryDir>(place.path() + u"/."_s + place.fileName() + u".XXXXXX"_s);
            if (!made->isValid())
                throw FileError(
                    tr("No folder could be made in %1 (%2).").arg(place.path(), made->errorString()).toStdString());
            return made;
        },
        [this, work](const std::shared_ptr<QTemporaryDir>& made) {
            if (!isCurrent(work))
                return;
            work->folder = std::make_unique<QTemporaryDir>(std::move(*made));
            askNext();
        },
        [this, work](const QString& sentence) {
            if (isCurrent(work))
                fail(sentence);
        });
}

void RunFetch::askNext()
{
    const std::shared_ptr<Work> work = m_work;
    report();
    if (work->at == work->files.size()) {
        publish();
        return;
    }
    JobCallbacks callbacks;
    callbacks.finished = [this, work](const JsonResult& answer) {
        if (isCurrent(work))
            take(*answer);
    };
    callbacks.failed = [this, work](const JobFault& fault) {
        if (isCurrent(work))
            fail(fault.sentence);
    };
    callbacks.cancelled = [this, work](bool) {
        if (isCurrent(work))
            fail(tr("The engine was stopped."));
    };
    work->request = m_board.askQuietly(u"run_read"_s,
                                       {{"run", m_remote.toStdString()},
                                        {"path", work->files[work->at].path.toStdString()},
                                        {"offset", work->offset},
                                        {"bytes", m_limits.chunkBytes}},
                                       this, std::move(callbacks));
}

void RunFetch::take(const Json& answer)
{
    const std::shared_ptr<Work> work = m_work;
    const auto decoded = QByteArray::fromBase64Encoding(
        textOf(answer, "data").toLatin1(), QByteArray::Base64Encoding | QByteArray::AbortOnBase64DecodingErrors);
    const RemoteFile& remote = work->files[work->at];
    const qint64 size = decoded ? decoded.decoded.size() : -1;
    // An empty file has one empty answer; any other answer brings something, and never more than is left.
    if (size < 0 || size > remote.size - work->offset || (size == 0 && remote.size > 0) ||
        wholeOf(answer, "offset", -1) != work->offset || textOf(answer, "path") != remote.path) {
        fail(tr("The engine's answer about %1 is not what was asked for; nothing was kept.").arg(remote.path));
        return;
    }
    work->isWriting = true;
    runInBackground<bool>(
        this,
        [work, bytes = decoded.decoded] {
            work->write(bytes);
            return true;
        },
        [this, work, size](bool) {
            work->isWriting = false;
            if (!isCurrent(work))
                return;
            work->offset += size;
            work->done += size;
            if (work->offset == work->files[work->at].size) {
                ++work->at;
                work->offset = 0;
            }
            askNext();
        },
        [this, work](const QString& sentence) {
            work->isWriting = false;
            if (isCurrent(work))
                fail(sentence);
        });
}

void RunFetch::publish()
{
    const std::shared_ptr<Work> work = m_work;
    work->isWriting = true;
    runInBackground<bool>(
        this,
        [work] {
            work->check();
            QFile::setPermissions(work->folder->path(), QFile::permissions(work->folder->path()) | QFile::ReadGroup |
                                                            QFile::ExeGroup | QFile::ReadOther | QFile::ExeOther);
            if (!QDir().rename(work->folder->path(), work->target))
                throw FileError(
                    tr("%1 could not be given its name; is it there already?").arg(work->target).toStdString());
            work->folder->setAutoRemove(false);
            return true;
        },
        [this, work](bool) {
            if (!isCurrent(work))
                return;
            m_work.reset();
            m_board.end(work->entry, widgets::StepState::Done, {});
            emit finished(work->target);
        },
        [this, work](const QString& sentence) {
            work->isWriting = false;
            if (isCurrent(work))
                fail(sentence);
        });
}

void RunFetch::report()
{
    JobProgress progress;
    progress.stage = tr("fetch");
    progress.done = m_work->done;
    progress.total = m_work->total;
    progress.unit = u"bytes"_s;
    progress.elapsedSeconds = static_cast<double>(m_work->clock.elapsed()) / 1000;
    if (progress.elapsedSeconds > 0.5 && m_work->done > 0) {
        progress.rate = static_cast<double>(m_work->done) / progress.elapsedSeconds;
        progress.etaSeconds = static_cast<double>(m_work->total - m_work->done) / *progress.rate;
    }
    m_board.setProgress(m_work->entry, progress);
}

// What has arrived is thrown away; large folders take a while.
void RunFetch::discard(const std::shared_ptr<Work>& work)
{
    if (!work->isWriting && work->folder)
        QThreadPool::globalInstance()->start([work] {
            work->file.reset();
            work->folder->remove();
        });
}

void RunFetch::cancel()
{
    if (!m_work)
        return;
    const std::shared_ptr<Work> work = std::exchange(m_work, nullptr);
    m_board.cancel(work->request);
    discard(work);
    m_board.end(work->entry, widgets::StepState::Cancelled, {});
    emit cancelled();
}

void RunFetch::fail(const QString& sentence)
{
    const std::shared_ptr<Work> work = std::exchange(m_work, nullptr);
    discard(work);
    m_board.end(work->entry, widgets::StepState::Failed, sentence);
    emit failed(sentence);
}

}
