/* SPDX-License-Identifier: Apache-2.0
 *
 * What a gate says of itself: which policy is in force and what it was made of, who is listened
 * for, how the last reload went, whether the log can be written. */
#include "config.h"

#include <unistd.h>

#include "base/json_write.h"
#include "policy/snapshot/policy_list.h"
#include "proxy/operator/control.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/reload.h"
#include "proxy/loop/rule_counter.h"

static void write_sources(const struct policy *policy, struct buffer *out)
{
    json_write_key_array(out, "files");
    for (size_t i = 0; i < policy_source_count(policy); i++) {
        const struct policy_source *source = policy_source_at(policy, i);
        json_write_object_begin(out);
        json_write_key_text(out, "path", source->path);
        json_write_key_u64(out, "bytes", source->bytes);
        if (source->modified_us != 0)
            json_write_key_time(out, "modified", source->modified_us);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_default(struct buffer *out, const char *key, bool allows)
{
    json_write_key_text(out, key, allows ? "allow" : "deny");
}

static void write_policy(const struct loop *loop, struct buffer *out)
{
    const struct policy *policy = loop->policy;
    json_write_key_object(out, "policy");
    json_write_key_text(out, "hash", policy_hash(policy));
    if (policy_config_path(policy) != NULL)
        json_write_key_text(out, "config", policy_config_path(policy));
    json_write_key_time(out, "loaded_at", loop->policy_loaded_us);
    json_write_key_u64(out, "docker_rules", policy_rule_count(policy));
    json_write_key_u64(out, "network_rules", policy_network_rule_count(policy));
    json_write_key_object(out, "default");
    write_default(out, "docker", policy_default_allows(policy));
    write_default(out, "network", policy_default_network_allows(policy));
    json_write_object_end(out);
    write_sources(policy, out);
    json_write_object_end(out);
}

static void write_clients(const struct loop *loop, struct buffer *out)
{
    json_write_key_array(out, "clients");
    for (size_t i = 0; i < policy_client_count(loop->policy); i++) {
        const struct policy_client *client = policy_client_at(loop->policy, i);
        json_write_object_begin(out);
        json_write_key_text(out, "name", client->name);
        json_write_key_text(out, "mode", client->mode == POLICY_REPORT ? "report" : "enforce");
        json_write_key(out, "listeners");
        listener_write_json(loop, client, out);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_reload(const struct loop *loop, struct buffer *out)
{
    const struct reload_report *report = loop->reload == NULL ? NULL : reload_last(loop->reload);
    json_write_key(out, "reload");
    if (report == NULL) {
        buffer_append_literal(out, "null");
        return;
    }
    json_write_object_begin(out);
    json_write_key_bool(out, "ok", report->ok);
    json_write_key_time(out, "at", report->at_us);
    json_write_key_u64(out, "error_count", report->error_count);
    json_write_key_raw(out, "errors", buffer_slice(&report->errors));
    json_write_object_end(out);
}

static void write_log(const struct loop *loop, struct buffer *out)
{
    json_write_key_object(out, "log");
    json_write_key_text(out, "path", loop->options->log.path);
    json_write_key_bool(out, "failing", loop->log_failing);
    json_write_key_u64(out, "lost", log_writer_lost_count(loop->log));
    json_write_object_end(out);
}

static void write_counters(const struct loop *loop, struct buffer *out)
{
    uint64_t allowed, denied;
    uint64_t suppressed = metrics_totals(loop->metrics)->denials_suppressed;
    metrics_count_requests(loop->metrics, &allowed, &denied);
    json_write_key_object(out, "requests");
    json_write_key_u64(out, "allowed", allowed);
    json_write_key_u64(out, "denied", denied);
    json_write_key_u64(out, "suppressed", suppressed);
    json_write_key_u64(out, "rules_hit", rule_counter_len(loop->counter));
    json_write_object_end(out);
}

void control_revocation_write(const struct revocation *revocation, struct buffer *out)
{
    json_write_key_object(out, "no_longer_allowed");
    json_write_key_u64(out, "streams", revocation->streams);
    json_write_key_u64(out, "tunnels", revocation->tunnels);
    json_write_object_end(out);
}

void control_status_write(struct loop *loop, struct buffer *out)
{
    struct revocation revocation;
    int64_t uptime_us = timestamp_monotonic_us() - loop->started_monotonic_us;
    json_write_object_begin(out);
    json_write_key_text(out, "version", PACKAGE_VERSION);
    json_write_key_u64(out, "pid", (uint64_t)getpid());
    json_write_key_time(out, "started", loop->started_us);
    json_write_key_u64(out, "uptime_s", (uint64_t)(uptime_us / 1000000));
    json_write_key_bool(out, "draining", loop->draining);
    write_policy(loop, out);
    write_clients(loop, out);
    write_reload(loop, out);
    write_log(loop, out);
    write_counters(loop, out);
    revocation_run(loop, false, &revocation);
    control_revocation_write(&revocation, out);
    json_write_object_end(out);
}
