# A room of the house (rooms.tsv) is a static library whose include root holds that room alone, as a link, so
# that a file sees its own room, those that the room knows, and no others: a wrong include does not compile.
#
#   atm_room(PATH SOURCE...)    the library atm_PATH, / as _; public, so that who knows it knows what it knows;
#                               without sources its headers alone
#   atm_room_target(PATH VAR)   its name
file(STRINGS ${CMAKE_SOURCE_DIR}/rooms.tsv ATM_ROOMS REGEX "^[^#]")
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rooms.tsv)

function(atm_room_target path variable)
    string(REPLACE "/" "_" name ${path})
    set(${variable} atm_${name} PARENT_SCOPE)
endfunction()

# The include root of the folder PATH, which need not be a room: tests have one too.
function(atm_include_root path variable)
    atm_room_target(${path} target)
    set(root ${CMAKE_BINARY_DIR}/include/${target})
    get_filename_component(parent ${root}/${path} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${path} ${root}/${path} SYMBOLIC)
    set(${variable} ${root} PARENT_SCOPE)
endfunction()

function(atm_room path)
    atm_room_target(${path} target)
    if(ARGN)
        add_library(${target} STATIC ${ARGN})
        set(shown PUBLIC)
    else()
        add_library(${target} INTERFACE)
        set(shown INTERFACE)
    endif()
    atm_include_root(${path} root)
    target_include_directories(${target} ${shown} ${root})
    set(found FALSE)
    foreach(row IN LISTS ATM_ROOMS)
        string(REGEX MATCH "^([^\t]*)\t([^\t]*)\t" row "${row}")
        if(CMAKE_MATCH_1 STREQUAL path)
            set(found TRUE)
            string(REPLACE " " ";" known "${CMAKE_MATCH_2}")
            foreach(room IN LISTS known)
                atm_room_target(${room} other)
                target_link_libraries(${target} ${shown} ${other})
            endforeach()
        endif()
    endforeach()
    if(NOT found)
        message(FATAL_ERROR "rooms.tsv has no row for ${path}")
    endif()
endfunction()
