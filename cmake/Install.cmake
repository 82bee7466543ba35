# What `cmake --install` gives: the program, one static library a layer, the headers, a CMake package
# (`find_package(holdfast)`, target holdfast::holdfast) and a pkg-config file.
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY HOLDFAST_LIBRARIES)
get_property(link GLOBAL PROPERTY HOLDFAST_LINK)

add_library(holdfast_all INTERFACE)
add_library(holdfast::holdfast ALIAS holdfast_all)
target_link_libraries(holdfast_all INTERFACE ${layers})
set_target_properties(holdfast_all PROPERTIES EXPORT_NAME holdfast)

install(TARGETS ${layers} holdfast_all EXPORT holdfastTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/holdfast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
if(TARGET holdfast)
  install(TARGETS holdfast RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET holdfast_manual)
  set(made ${PROJECT_BINARY_DIR}/holdfast/app)
  install(FILES ${made}/holdfast.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${made}/holdfast.bash RENAME holdfast
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${made}/_holdfast DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/holdfast)
install(EXPORT holdfastTargets NAMESPACE holdfast:: DESTINATION ${package_dir})
file(WRITE ${PROJECT_BINARY_DIR}/holdfastConfig.cmake
"include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
include(\"\${CMAKE_CURRENT_LIST_DIR}/holdfastTargets.cmake\")
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/holdfastConfig.cmake
              ${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake DESTINATION ${package_dir})

# pkg-config: the layers from the top down, since each needs those below it; then what they link.
list(TRANSFORM layers PREPEND "-l" OUTPUT_VARIABLE pc_libraries)
list(REVERSE pc_libraries)
list(REMOVE_DUPLICATES link)
foreach(library IN LISTS link)
  if(library STREQUAL "fmt::fmt")
    set(pc_requires fmt)
  elseif(library STREQUAL "Threads::Threads")
    list(APPEND pc_libraries -pthread)
  elseif(IS_ABSOLUTE "${library}")
    list(APPEND pc_libraries ${library})
  elseif(library MATCHES "::")
    message(FATAL_ERROR "cmake/Install.cmake does not know what ${library} is to pkg-config")
  else()
    list(APPEND pc_libraries -l${library})
  endif()
endforeach()
list(JOIN pc_libraries " " pc_libraries)
set(pc_flags "-I\${includedir}")
if(HOLDFAST_DEBUG)
  string(APPEND pc_flags " -DHOLDFAST_DEBUG=1")
endif()
# The prefix is where the file lies, so that an installation can be moved.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
file(WRITE ${PROJECT_BINARY_DIR}/holdfast.pc
"prefix=\${pcfiledir}/${pc_prefix}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}

Name: holdfast
Description: ${PROJECT_DESCRIPTION}
Version: ${PROJECT_VERSION}
Requires: ${pc_requires}
Cflags: ${pc_flags}
Libs: -L\${libdir} ${pc_libraries}
")
install(FILES ${PROJECT_BINARY_DIR}/holdfast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
