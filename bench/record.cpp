// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <algorithm>
#include <stdio.h>

namespace {

class Json {
public:
    void text(const char* name, const std::string& value) {
        std::string clean;
        for (const char c : value) {
            clean += c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '\'' : c;
        }
        key(name);
        out_.append(1, '"').append(clean).append(1, '"');
    }
    void number(const char* name, double value, int digits = 0) {
        key(name);
        out_ += format(value, digits);
    }
    void list(const char* name, const std::vector<double>& values, int digits = 0) {
        key(name);
        out_ += '[';
        for (size_t i = 0; i < values.size(); ++i) {
            out_.append(i ? "," : "").append(format(values[i], digits));
        }
        out_ += ']';
    }
    std::string end() const { return out_ + "}"; }

private:
    void key(const char* name) { out_.append(out_.empty() ? "{\"" : ",\"").append(name).append("\":"); }
    static std::string format(double value, int digits) {
        char text[40];
        snprintf(text, sizeof text, "%.*f", digits, value);
        return text;
    }
    std::string out_;
};

double median(std::vector<double> values) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const size_t half = values.size() / 2;
    return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <class F> std::vector<double> of_each(const Result& result, F f) {
    std::vector<double> values;
    for (const Sample& s : result.samples) {
        if (!s.failed) {
            values.push_back(f(s));
        }
    }
    return values;
}

template <class F> double middle(const Result& result, F f) { return median(of_each(result, f)); }

double rate(const Sample& s) { return s.seconds > 0 ? s.operations / s.seconds : 0; }
double cpu(const Sample& s) { return s.operations > 0 ? s.cpu_seconds * 1e9 / s.operations : 0; }

// Median of the ratios within the same round: what disturbs a round disturbs both.
template <class F> double ratio(const Result& result, const Result& first, F f) {
    std::vector<double> values;
    for (size_t i = 0; i < result.samples.size() && i < first.samples.size(); ++i) {
        const Sample& a = result.samples[i];
        const Sample& b = first.samples[i];
        if (!a.failed && !b.failed && f(b) > 0) {
            values.push_back(f(a) / f(b));
        }
    }
    return median(values);
}

void submit_times(const Result& result, Json* json) {
    json->number("submit_p50_ns", middle(result, [](const Sample& s) { return s.submit.p50; }));
    json->number("submit_p99_ns", middle(result, [](const Sample& s) { return s.submit.p99; }));
    json->number("submit_p999_ns", middle(result, [](const Sample& s) { return s.submit.p999; }));
    const std::vector<double> longest = of_each(result, [](const Sample& s) { return s.submit.max; });
    json->number("submit_max_ns", *std::max_element(longest.begin(), longest.end()));
    std::vector<double> counts(48);
    for (const Sample& s : result.samples) {
        for (size_t i = 0; i < counts.size() && !s.failed; ++i) {
            counts[i] += static_cast<double>(s.submit_log2[i]);
        }
    }
    while (!counts.empty() && counts.back() == 0) {
        counts.pop_back();
    }
    json->list("submit_log2_ns", counts);
}

void extras(const Job& job, const Result& result, Json* json) {
    const auto per_operation = [&](const char* name, auto field) {
        if (middle(result, field) >= 0) {
            json->number(name, middle(result, [&](const Sample& s) { return field(s) / std::max(1.0, s.operations); }),
                         4);
        }
    };
    per_operation("allocs_per_op", [](const Sample& s) { return s.allocations; });
    per_operation("wakes_per_op", [](const Sample& s) { return s.counters.wakes; });
    per_operation("signals_per_op", [](const Sample& s) { return s.counters.signals; });
    if (middle(result, [](const Sample& s) { return s.counters.inline_served; }) >= 0) {
        const auto share = [](const Sample& s) { return s.counters.inline_served / std::max(1.0, s.counters.served); };
        json->number("inline_share", middle(result, share), 4);
    }
    if (result.worker_bytes >= 0) {
        json->number("bytes_per_worker", result.worker_bytes);
    }
    const Kind kind = job.workload->kind;
    if (kind == Kind::mixed) {
        json->number("cold_p50_ns", middle(result, [](const Sample& s) { return s.cold.p50; }));
        json->number("cold_p99_ns", middle(result, [](const Sample& s) { return s.cold.p99; }));
    }
    if (kind == Kind::burst) {
        json->number("burst_stall_ns", middle(result, [](const Sample& s) { return s.stall.max; }));
    }
    if ((kind == Kind::mixed || kind == Kind::burst) &&
        middle(result, [](const Sample& s) { return s.submit.max; }) > 0) {
        submit_times(result, json);
    }
    if (kind == Kind::idle) {
        json->number("idle_cpu_share", middle(result, [](const Sample& s) { return s.idle_cpu; }), 6);
    }
}

} // namespace

std::string record(const Settings& settings, const Job& job, const Result& result, const Result& first) {
    Json json;
    json.text("workload", job.workload->name);
    json.number("depth", job.depth);
    json.text("subject", result.subject);
    json.text("wait", settings.external ? "ext" : "own");
    json.number("cpus", settings.cpus);
    json.number("workers", job.workers);
    const std::vector<double> rates = of_each(result, rate);
    if (!result.trouble.empty()) {
        json.text("trouble", result.trouble);
    }
    if (rates.empty()) {
        return json.end();
    }
    json.number("ops_per_s", median(rates));
    json.number("cpu_ns_per_op", middle(result, cpu), 1);
    json.number("p50_ns", middle(result, [](const Sample& s) { return s.latency.p50; }));
    json.number("p99_ns", middle(result, [](const Sample& s) { return s.latency.p99; }));
    json.number("p999_ns", middle(result, [](const Sample& s) { return s.latency.p999; }));
    extras(job, result, &json);
    json.number("ops_ratio", ratio(result, first, rate), 3);
    json.number("cpu_ratio", ratio(result, first, cpu), 3);
    json.text("ratio_to", first.subject);
    json.number("rounds", static_cast<double>(rates.size()));
    json.number("min", *std::min_element(rates.begin(), rates.end()));
    json.number("max", *std::max_element(rates.begin(), rates.end()));
    double operations = 0;
    double disturbed = 0;
    double errors = 0;
    int64_t first_error = 0;
    for (const Sample& s : result.samples) {
        operations += s.operations;
        disturbed += s.disturbed;
        errors += s.errors;
        first_error = first_error != 0 ? first_error : s.first_error;
    }
    json.number("operations", operations);
    json.number("disturbed", disturbed);
    json.number("errors", errors);
    if (errors > 0) {
        json.number("first_error", static_cast<double>(first_error));
    }
    // Round by round, so that any two subjects of this run can be compared afterwards. 0: no figure.
    std::vector<double> all_rates;
    std::vector<double> all_cpu;
    for (const Sample& s : result.samples) {
        all_rates.push_back(s.failed ? 0 : rate(s));
        all_cpu.push_back(s.failed ? 0 : cpu(s));
    }
    json.list("ops_of_round", all_rates);
    json.list("cpu_ns_of_round", all_cpu, 1);
    return json.end();
}
