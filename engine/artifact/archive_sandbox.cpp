#include "engine/artifact/archive_sandbox.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace blockcert::artifact {

namespace {

constexpr rlim_t cpuSeconds = 10;
constexpr rlim_t openFiles = 4; // 0 … 3 are open already

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

void limit(__rlimit_resource resource, rlim_t value)
{
    const rlimit both{value, value};
    setrlimit(resource, &both);
}

// Address space in use now; 0 if /proc is not there.
std::size_t mappedBytes()
{
    std::size_t pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
        if (std::fscanf(file, "%zu", &pages) != 1)
            pages = 0;
        std::fclose(file);
    }
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Opening answers "permission denied" instead of ending the process, because HDF5 looks whether a file of the
// image's name exists. Memory may not become executable.
void filterSystemCalls()
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == nullptr)
        return;
    constexpr std::array allowed = {
        SCMP_SYS(read),       SCMP_SYS(write),           SCMP_SYS(close),        SCMP_SYS(fstat),
        SCMP_SYS(newfstatat), SCMP_SYS(lseek),           SCMP_SYS(brk),          SCMP_SYS(munmap),
        SCMP_SYS(mremap),     SCMP_SYS(madvise),         SCMP_SYS(futex),        SCMP_SYS(getpid),
        SCMP_SYS(gettid),     SCMP_SYS(clock_gettime),   SCMP_SYS(gettimeofday), SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(nanosleep),  SCMP_SYS(clock_nanosleep), SCMP_SYS(rt_sigreturn), SCMP_SYS(tgkill),
        SCMP_SYS(exit),       SCMP_SYS(exit_group)};
    constexpr std::array denied = {SCMP_SYS(open),   SCMP_SYS(openat),   SCMP_SYS(stat),
                                   SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(ioctl)};
    bool complete = true;
    for (const int call : allowed)
        complete = complete && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
    for (const int call : denied)
        complete = complete && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0) == 0;
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
        complete = complete &&
                   seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
    if (complete)
        seccomp_load(filter);
    seccomp_release(filter);
}

}

void enterSandbox(std::size_t workingBytes)
{
    const std::size_t mapped = mappedBytes();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, cpuSeconds);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    if (sanitized)
        return;
    limit(RLIMIT_NOFILE, openFiles);
    if (mapped != 0)
        limit(RLIMIT_AS, mapped + workingBytes);
    filterSystemCalls();
}

}
