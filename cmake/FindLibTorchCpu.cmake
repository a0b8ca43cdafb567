# Imported target LibTorch::cpu from the unpacked wheel in ${BLOCKCERT_DEPS}/libtorch: the CPU libraries and headers
# alone, without torch's own CMake files, which would ask for the CUDA toolkit.

set(LibTorchCpu_ROOT "${BLOCKCERT_DEPS}/libtorch/torch" CACHE PATH "The torch folder of the unpacked wheel")
find_library(LibTorchCpu_LIBRARY torch_cpu PATHS "${LibTorchCpu_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorchCpu_C10 c10 PATHS "${LibTorchCpu_ROOT}/lib" NO_DEFAULT_PATH)
set(version_header "${LibTorchCpu_ROOT}/include/torch/headeronly/version.h")
if(EXISTS "${version_header}")
    set(LibTorchCpu_VERSION "")
    foreach(part MAJOR MINOR PATCH)
        file(STRINGS "${version_header}" line REGEX "^#define TORCH_VERSION_${part} ")
        string(REGEX REPLACE "[^0-9]" "" line "${line}")
        list(APPEND LibTorchCpu_VERSION "${line}")
    endforeach()
    list(JOIN LibTorchCpu_VERSION "." LibTorchCpu_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorchCpu REQUIRED_VARS LibTorchCpu_LIBRARY LibTorchCpu_C10 VERSION_VAR LibTorchCpu_VERSION
    REASON_FAILURE_MESSAGE "LibTorch is not in ${LibTorchCpu_ROOT}: ./run and ./check put it there (packaging/setup.sh)")
if(LibTorchCpu_FOUND AND NOT TARGET LibTorch::cpu)
    add_library(LibTorch::c10 SHARED IMPORTED)
    set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorchCpu_C10}")
    add_library(LibTorch::cpu SHARED IMPORTED)
    set_target_properties(LibTorch::cpu PROPERTIES
        IMPORTED_LOCATION "${LibTorchCpu_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${LibTorchCpu_ROOT}/include"
        INTERFACE_LINK_LIBRARIES "LibTorch::c10")
endif()
