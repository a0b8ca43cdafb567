# Debian's shared HDF5 loads a client for remote files and with it some thirty network libraries. These programs never
# use the network and start in milliseconds, so they take the static library, whose remote parts stay unlinked.
find_library(Hdf5Static_hdf5 libhdf5.a PATHS ${HDF5_LIBRARY_DIRS} NO_DEFAULT_PATH)
set(parts "${Hdf5Static_hdf5}")
foreach(name sz aec z)
    find_library(Hdf5Static_${name} lib${name}.a)
    list(APPEND parts "${Hdf5Static_${name}}")
endforeach()
mark_as_advanced(Hdf5Static_hdf5 Hdf5Static_sz Hdf5Static_aec Hdf5Static_z)
if(parts MATCHES "NOTFOUND")
    message(STATUS "HDF5 is linked as a shared library: ${parts}")
else()
    set_target_properties(PkgConfig::HDF5 PROPERTIES INTERFACE_LINK_LIBRARIES "${parts};m;${CMAKE_DL_LIBS}")
endif()
