// SPDX-License-Identifier: MIT
// From samples to one JSON record per subject.
#pragma once
#include "settings.hpp"
#include "subject.hpp"

#include <string>
#include <vector>

struct Result {
    std::string subject;
    std::string trouble;         // why there are no samples
    std::vector<Sample> samples; // one a round
    double worker_bytes = -1;
};

std::string record(const Settings& settings, const Job& job, const Result& result, const Result& first);
