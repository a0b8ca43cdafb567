# cmake --install: programs, LibTorch's two libraries, manual page, completions, desktop files and the demo model.
include(GNUInstallDirs)
set(libexec "${CMAKE_INSTALL_LIBEXECDIR}/blockcert")

install(TARGETS blockcert RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

# The manual page and the completions come out of the program itself.
set(generated "${CMAKE_BINARY_DIR}/generated")
file(MAKE_DIRECTORY "${generated}")
set(outputs "")
foreach(pair "blockcert.1|man" "blockcert.bash|completion;bash" "_blockcert|completion;zsh" "blockcert.fish|completion;fish")
    string(REGEX MATCH "^[^|]+" name "${pair}")
    string(REGEX REPLACE "^[^|]+\\|" "" arguments "${pair}")
    add_custom_command(OUTPUT "${generated}/${name}"
        COMMAND blockcert ${arguments} > "${generated}/${name}"
        DEPENDS blockcert COMMENT "Writing ${name}")
    list(APPEND outputs "${generated}/${name}")
endforeach()
add_custom_target(blockcert_generated_files ALL DEPENDS ${outputs})
install(FILES "${generated}/blockcert.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${generated}/blockcert.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME blockcert)
install(FILES "${generated}/_blockcert" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES "${generated}/blockcert.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}" FILES_MATCHING PATTERN "*.md" PATTERN "*.py")

if(TARGET blockcert-engine)
    # Beside the engine and found by RPATH; libgomp, cudart and cupti are what libtorch_cpu.so itself is linked against.
    set_target_properties(blockcert-engine PROPERTIES INSTALL_RPATH "$ORIGIN/torch/lib")
    install(TARGETS blockcert-engine RUNTIME DESTINATION "${libexec}")
    install(FILES "${LibTorchCpu_LIBRARY}" "${LibTorchCpu_C10}" "${LibTorchCpu_ROOT}/lib/libgomp.so.1"
        DESTINATION "${libexec}/torch/lib")
    install(FILES "${LibTorchCpu_ROOT}/../nvidia/cu13/lib/libcudart.so.13" "${LibTorchCpu_ROOT}/../nvidia/cu13/lib/libcupti.so.13"
        DESTINATION "${libexec}/nvidia/cu13/lib")
    install(DIRECTORY "${BLOCKCERT_DEPS}/demo" DESTINATION "${CMAKE_INSTALL_DATADIR}/blockcert" OPTIONAL)
endif()

if(TARGET blockcert-workbench)
    set(id io.github.blockcert.Workbench)
    install(FILES packaging/desktop/${id}.desktop DESTINATION "${CMAKE_INSTALL_DATADIR}/applications")
    install(FILES packaging/desktop/${id}.metainfo.xml DESTINATION "${CMAKE_INSTALL_DATADIR}/metainfo")
    install(FILES packaging/desktop/${id}.mime.xml DESTINATION "${CMAKE_INSTALL_DATADIR}/mime/packages" RENAME ${id}.xml)
    install(FILES packaging/desktop/${id}.svg DESTINATION "${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps")
endif()
