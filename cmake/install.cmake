# What `cmake --install` puts where, below a prefix (/usr unless another is given when it is configured or installed) and DESTDIR:
#
#   bin                  atmd, atmkeyd, atmctl; atmsim and banksim (component simulators)
#   lib/atm              the module that draws documents
#   lib/systemd/system   units; lib/sysusers.d and lib/tmpfiles.d: user and folders
#   share/man            manual pages
#   share/bash-completion, share/zsh   completion of atmctl
#   share/atmd           configuration to begin with, sql, dialects, scenarios
#   share/doc/atmd       documents; in examples: reference data, banks, HAProxy, etcd, Patroni, pgBackRest
#
# Nothing is put into /etc: `atmctl setup` does that, and leaves what is there.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
    set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "where the programs go" FORCE)
endif()
set(etc ${CMAKE_SOURCE_DIR}/etc)

install(TARGETS atmd atmkeyd atmctl RUNTIME DESTINATION bin)
install(TARGETS atmsim banksim RUNTIME DESTINATION bin COMPONENT simulators)
install(TARGETS atm_documents_module LIBRARY DESTINATION lib/atm)

# Units and tmpfiles.d name programs and files by their whole path, which is known when they are installed.
file(GLOB units RELATIVE ${etc} CONFIGURE_DEPENDS ${etc}/systemd/*)
foreach(unit IN LISTS units)
    get_filename_component(name ${unit} NAME)
    set(folder lib/systemd/system)
    if(name MATCHES "\\.conf$") # atmd.sysusers.conf
        string(REGEX REPLACE "^(.*)\\.([a-z]+)\\.conf$" "lib/\\2.d" folder ${name})
        string(REGEX REPLACE "^(.*)\\.([a-z]+)\\.conf$" "\\1.conf" name ${name})
    endif()
    install(CODE "
        file(READ [[${etc}/${unit}]] text)
        string(REPLACE /usr/bin/atm \${CMAKE_INSTALL_PREFIX}/bin/atm text \"\${text}\")
        string(REPLACE /usr/share/ \${CMAKE_INSTALL_PREFIX}/share/ text \"\${text}\")
        file(WRITE [[${CMAKE_BINARY_DIR}/install/${folder}/${name}]] \"\${text}\")
        file(INSTALL [[${CMAKE_BINARY_DIR}/install/${folder}/${name}]] DESTINATION \${CMAKE_INSTALL_PREFIX}/${folder})")
endforeach()

# Manual pages.
find_program(SCDOC scdoc REQUIRED)
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.scd)
set(made "")
foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME_WLE) # atmctl.1
    string(REGEX MATCH "[0-9]$" section ${name})
    set(out ${CMAKE_BINARY_DIR}/man/${name})
    add_custom_command(OUTPUT ${out} COMMAND sh -c "'${SCDOC}' <'${page}' >'${out}'" DEPENDS ${page} VERBATIM)
    list(APPEND made ${out})
    if(NOT name MATCHES "^atmlab") # a laboratory's, which runs from the checkout
        install(FILES ${out} DESTINATION share/man/man${section})
    endif()
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)

# Completion, made from the table of commands by atmctl itself.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completion)
foreach(shell IN ITEMS bash zsh)
    set(out ${CMAKE_BINARY_DIR}/completion/${shell})
    add_custom_command(OUTPUT ${out} COMMAND sh -c "'$<TARGET_FILE:atmctl>' completion ${shell} >'${out}'" DEPENDS atmctl VERBATIM)
    list(APPEND made ${out})
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/completion/bash DESTINATION share/bash-completion/completions RENAME atmctl)
install(FILES ${CMAKE_BINARY_DIR}/completion/zsh DESTINATION share/zsh/site-functions RENAME _atmctl)
add_custom_target(manual ALL DEPENDS ${made})

install(FILES ${etc}/atmd.conf ${etc}/atmd-minimal.conf ${etc}/atmd-failover.conf ${etc}/atmkeyd.options DESTINATION share/atmd)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/sql ${etc}/dialects ${etc}/scenarios DESTINATION share/atmd)

# All documents lie beside each other there.
file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md ${CMAKE_SOURCE_DIR}/*.md)
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${documents})
foreach(document ${documents})
    get_filename_component(name ${document} NAME)
    file(READ ${document} text)
    string(REGEX REPLACE "\\]\\((docs|\\.\\.)/" "](" text "${text}")
    file(WRITE ${CMAKE_BINARY_DIR}/documents/${name} "${text}")
endforeach()
install(DIRECTORY ${CMAKE_BINARY_DIR}/documents/ ${CMAKE_SOURCE_DIR}/docs/gallery DESTINATION share/doc/atmd)
file(GLOB examples CONFIGURE_DEPENDS ${etc}/*.csv)
install(FILES ${examples} DESTINATION share/doc/atmd/examples)
install(DIRECTORY ${etc}/banks ${etc}/haproxy ${etc}/etcd ${etc}/patroni ${etc}/pgbackrest DESTINATION share/doc/atmd/examples
    USE_SOURCE_PERMISSIONS)
