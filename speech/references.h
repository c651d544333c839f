#pragma once

#include <map>
#include <string>
#include <vector>

#include "speech/audio.h"

namespace octet::speech {

/// What was said, by the recording's name without its extension.
using References = std::map<std::string, std::string>;

/// A plain list, "NAME text" a line, or a folder with such lists named *.trans.txt at any depth
/// (LibriSpeech). Fails on a name that is there twice and on a line without a name.
Expected<References> read_references(const std::string& path);

/// Paths of the .wav and .flac files under a folder, at any depth, sorted.
Expected<std::vector<std::string>> find_recordings(const std::string& folder);

/// The file's name without folder and extension.
std::string recording_name(const std::string& path);

}  // namespace octet::speech
