# What `cmake --install` puts where: programs, engine, web page (where scripts/build-web has made one)
# and demo model as the programs look for them, relative to their own folder, and the systemd unit with
# the path of this installation.
set(INVOKEAI_SHARE share/invokeai)

install(TARGETS invokeai invokeai-metadata invokeai-gallery RUNTIME DESTINATION bin)
if(INVOKEAI_TORCH)
  # libtorch stays where it was found.
  set_target_properties(invokeai_engine PROPERTIES INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS invokeai_engine LIBRARY DESTINATION lib)
endif()
# The demo model and what was made from it; the latter links into the first one's folder.
file(GLOB DEMO_INDICES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/demo*/model_index.json)
foreach(index IN LISTS DEMO_INDICES)
  get_filename_component(DEMO_MODEL ${index} DIRECTORY)
  install(DIRECTORY ${DEMO_MODEL} DESTINATION ${INVOKEAI_SHARE}/models)
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${INVOKEAI_SHARE})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/web/dist/ DESTINATION ${INVOKEAI_SHARE}/web OPTIONAL)
install(CODE "
  if(NOT EXISTS \"${CMAKE_SOURCE_DIR}/web/dist/index.html\")
    message(STATUS \"No web page is installed; scripts/build-web makes it, then install again\")
  endif()
  file(READ \"${CMAKE_SOURCE_DIR}/packaging/invokeai.service\" UNIT)
  string(REPLACE /usr/bin/ \"\${CMAKE_INSTALL_PREFIX}/bin/\" UNIT \"\${UNIT}\")
  set(UNIT_FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/invokeai.service\")
  message(STATUS \"Installing: \${UNIT_FILE}\")
  file(WRITE \"\${UNIT_FILE}\" \"\${UNIT}\")
")
