/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies before the safe values, and what permits them: each row is one thing asked for. */
#include "rules/guard/guard_judge.h"

#include <criterion/criterion.h>

static const struct row {
    const char *name;
    enum docker_operation operation;
    const char *text;
    const char *guard; /* that refuses it with the safe values; NULL = none */
    const char *field; /* that it names */
    const char
        *permit; /* an item of that guard which permits it; "" = `true`; NULL = nothing does */
} rows[] = {
#define CREATE(host) DOCKER_CONTAINER_CREATE, "{\"Image\":\"a\",\"HostConfig\":{" host "}}"
    {"an ordinary create", CREATE("\"NetworkMode\":\"default\",\"ShmSize\":0"), NULL, NULL, NULL},
    {"privileged", CREATE("\"Privileged\":true"), "privileged", "HostConfig.Privileged", ""},
    {"not privileged", CREATE("\"Privileged\":false"), NULL, NULL, NULL},
    {"the host's processes", CREATE("\"PidMode\":\"host\""), "host_namespaces",
     "HostConfig.PidMode", "pid"},
    {"another container's", CREATE("\"IpcMode\":\"container:x\""), "host_namespaces",
     "HostConfig.IpcMode", "ipc"},
    {"own", CREATE("\"IpcMode\":\"private\",\"CgroupnsMode\":\"private\""), NULL, NULL, NULL},
    {"the host's network", CREATE("\"NetworkMode\":\"host\""), "host_namespaces",
     "HostConfig.NetworkMode", "network"},
    {"a file of one", CREATE("\"NetworkMode\":\"ns:/proc/1/ns/net\""), "host_namespaces",
     "HostConfig.NetworkMode", "network"},
    {"the host's by its other field", DOCKER_CONTAINER_CREATE,
     "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"host\":{}}}}", "host_namespaces",
     "NetworkingConfig.EndpointsConfig.host", "x"},
    {"a cgroup", CREATE("\"CgroupParent\":\"/x\""), "host_namespaces", "HostConfig.CgroupParent",
     "cgroup"},
    {"a capability", CREATE("\"CapAdd\":[\"NET_ADMIN\"]"), "capabilities", "HostConfig.CapAdd[0]",
     "NET_ADMIN"},
    {"spelled otherwise", CREATE("\"CapAdd\":\"cap_sys_admin\""), "capabilities",
     "HostConfig.CapAdd", "SYS_ADMIN"},
    {"all of them", CREATE("\"CapAdd\":[\"ALL\"]"), "capabilities", "HostConfig.CapAdd[0]", "ALL"},
    {"one that everybody has", CREATE("\"CapAdd\":[\"CAP_CHOWN\",\"kill\"]"), NULL, NULL, NULL},
    {"dropping some", CREATE("\"CapDrop\":[\"ALL\"]"), NULL, NULL, NULL},
    {"a device", CREATE("\"Devices\":[{\"PathOnHost\":\"/dev/fuse\"}]"), "devices",
     "HostConfig.Devices[0].PathOnHost", "/dev/fuse"},
    {"a rule for devices", CREATE("\"DeviceCgroupRules\":[\"a *:* rwm\"]"), "devices",
     "HostConfig.DeviceCgroupRules[0]", "a *:* rwm"},
    {"a graphics card", CREATE("\"DeviceRequests\":[{\"Count\":-1}]"), "devices",
     "HostConfig.DeviceRequests", "gpu"},
    {"seccomp", CREATE("\"SecurityOpt\":[\"seccomp=unconfined\"]"), "security_opt",
     "HostConfig.SecurityOpt[0]", "seccomp=unconfined"},
    {"AppArmor with a colon", CREATE("\"SecurityOpt\":[\"apparmor:unconfined\"]"), "security_opt",
     "HostConfig.SecurityOpt[0]", "apparmor:unconfined"},
    {"SELinux by one word", CREATE("\"SecurityOpt\":[\"disable\"]"), "security_opt",
     "HostConfig.SecurityOpt[0]", "disable"},
    {"writable cgroups", CREATE("\"SecurityOpt\":[\"writable-cgroups\"]"), "security_opt",
     "HostConfig.SecurityOpt[0]", "writable-cgroups"},
    {"no new privileges", CREATE("\"SecurityOpt\":[\"no-new-privileges:true\"]"), NULL, NULL, NULL},
    {"unmasked paths", CREATE("\"MaskedPaths\":[]"), "security_opt", "HostConfig.MaskedPaths",
     "systempaths=unconfined"},
    {"the usual masks", CREATE("\"MaskedPaths\":null,\"ReadonlyPaths\":null"), NULL, NULL, NULL},
    {"a runtime", CREATE("\"Runtime\":\"io.containerd.x.v1\""), "runtimes", "HostConfig.Runtime",
     "io.containerd.x.v1"},
    {"a bind", CREATE("\"Binds\":[\"/etc:/x\"]"), "binds", "HostConfig.Binds[0]", "/etc"},
    {"a bind by a longer name", CREATE("\"Binds\":[\"/etc-evil:/x\"]"), "binds",
     "HostConfig.Binds[0]", "/etc-evil"},
    {"a bind with dots", CREATE("\"Binds\":[\"/srv/../etc:/x\"]"), "binds", "HostConfig.Binds[0]",
     NULL},
    {"a mount of the host",
     CREATE("\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/etc\",\"Target\":"
            "\"/x\"}]"),
     "binds", "HostConfig.Mounts[0]", "/etc"},
    {"a mount of a type in capitals",
     CREATE("\"Mounts\":[{\"Type\":\"BIND\",\"Source\":\"/etc\","
            "\"Target\":\"/x\"}]"),
     "binds", "HostConfig.Mounts[0]", NULL},
    {"a mount without a type", CREATE("\"Mounts\":[{\"Source\":\"/etc\",\"Target\":\"/x\"}]"),
     "binds", "HostConfig.Mounts[0]", NULL},
    {"propagation",
     CREATE("\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/x\","
            "\"BindOptions\":{\"Propagation\":\"rshared\"}}]"),
     "binds", "HostConfig.Mounts[0].BindOptions", NULL},
    {"a shared bind", CREATE("\"Binds\":[\"v:/x:rshared\"]"), "binds", "HostConfig.Binds[0]", NULL},
    {"a named volume",
     CREATE("\"Binds\":[\"v:/x:ro\"],\"Mounts\":[{\"Type\":\"volume\",\"Source\":"
            "\"v\",\"Target\":\"/y\"}]"),
     NULL, NULL, NULL},
    {"a target in /proc", CREATE("\"Binds\":[\"v:/proc/sys\"]"), "binds", "HostConfig.Binds[0]",
     NULL},
    {"a target with dots", CREATE("\"Binds\":[\"v:/x/../proc\"]"), "binds", "HostConfig.Binds[0]",
     NULL},
    {"volumes of others", CREATE("\"VolumesFrom\":[\"x\"]"), "binds", "HostConfig.VolumesFrom",
     NULL},
    {"a working directory of a descriptor", DOCKER_CONTAINER_CREATE,
     "{\"WorkingDir\":\"/proc/self/fd/8\"}", "binds", "WorkingDir", NULL},
    {"a volume with options", DOCKER_VOLUME_CREATE,
     "{\"Name\":\"v\",\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/etc\"}}",
     "volumes", "DriverOpts", "local"},
    {"a volume of a plugin", DOCKER_VOLUME_CREATE, "{\"Name\":\"v\",\"Driver\":\"nfs\"}", "volumes",
     "Driver", "nfs"},
    {"a volume", DOCKER_VOLUME_CREATE, "{\"Name\":\"v\",\"Driver\":\"local\",\"DriverOpts\":{}}",
     NULL, NULL, NULL},
    {"options of a mount",
     CREATE("\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\","
            "\"VolumeOptions\":{\"DriverConfig\":{\"Options\":{\"o\":\"bind\"}}"
            "}}]"),
     "volumes", "HostConfig.Mounts[0].VolumeOptions.DriverConfig.Options", "local"},
    {"a subpath",
     CREATE("\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",\"VolumeOptions\":{"
            "\"Subpath\":\"../x\"}}]"),
     "volumes", "HostConfig.Mounts[0].VolumeOptions.Subpath", NULL},
    {"a tmpfs", CREATE("\"Tmpfs\":{\"/x\":\"size=1m\"}"), NULL, NULL, NULL},
    {"programs in a tmpfs", CREATE("\"Tmpfs\":{\"/x\":\"size=1m,exec\"}"), "tmpfs",
     "HostConfig.Tmpfs./x", "exec"},
    {"the same in a mount",
     CREATE("\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/x\","
            "\"TmpfsOptions\":{\"Options\":[[\"suid\"]]}}]"),
     "tmpfs", "HostConfig.Mounts[0].TmpfsOptions.Options[0]", "suid"},
    {"a network driver", DOCKER_NETWORK_CREATE, "{\"Name\":\"n\",\"Driver\":\"macvlan\"}",
     "networks", "Driver", NULL},
    {"a network", DOCKER_NETWORK_CREATE, "{\"Name\":\"n\",\"Driver\":\"bridge\",\"Internal\":true}",
     NULL, NULL, NULL},
    {"another bridge", DOCKER_NETWORK_CREATE,
     "{\"Name\":\"n\",\"Options\":{\"com.docker.network.bridge.name\":\"docker0\"}}", "networks",
     "Options.com.docker.network.bridge.name", NULL},
    {"the way to the host", CREATE("\"ExtraHosts\":[\"a:10.0.0.1\",\"b:host-gateway\"]"),
     "networks", "HostConfig.ExtraHosts[1]", NULL},
    {"sysctls of an endpoint", DOCKER_NETWORK_CONNECT,
     "{\"Container\":\"x\",\"EndpointConfig\":{\"DriverOpts\":{\"com.docker.network.endpoint."
     "sysctls"
     "\":\"x\"}}}",
     "networks", "EndpointConfig.DriverOpts.com.docker.network.endpoint.sysctls", NULL},
    {"the default route", DOCKER_NETWORK_CONNECT,
     "{\"Container\":\"x\",\"EndpointConfig\":{\"GwPriority\":5}}", "networks",
     "EndpointConfig.GwPriority", NULL},
    {"a port", CREATE("\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}"), "publish",
     "HostConfig.PortBindings.80/tcp[0]", "8080"},
    {"a port of one address",
     CREATE("\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"}]}"),
     "publish", "HostConfig.PortBindings.80/tcp[0]", "127.0.0.1:8000-8100"},
    {"a port that the engine chooses", CREATE("\"PortBindings\":{\"80/tcp\":[]}"), "publish",
     "HostConfig.PortBindings.80/tcp", "*"},
    {"the same", CREATE("\"PortBindings\":{\"80/tcp\":null}"), "publish",
     "HostConfig.PortBindings.80/tcp", "*"},
    {"all ports", CREATE("\"PublishAllPorts\":true"), "publish", "HostConfig.PublishAllPorts", "*"},
    {"a sysctl", CREATE("\"Sysctls\":{\"net.ipv4.ip_forward\":\"1\"}"), "sysctls",
     "HostConfig.Sysctls.net.ipv4.ip_forward", "net.ipv4.*"},
    {"files", CREATE("\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":1}]"), NULL, NULL,
     NULL},
    {"real time", CREATE("\"Ulimits\":[{\"Name\":\"RTPRIO\",\"Soft\":1,\"Hard\":1}]"), "ulimits",
     "HostConfig.Ulimits[0].Name", "RTPRIO"},
    {"a local log",
     CREATE("\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1m\"}}"), NULL, NULL,
     NULL},
    {"a log elsewhere", CREATE("\"LogConfig\":{\"Type\":\"gelf\"}"), "log_drivers",
     "HostConfig.LogConfig.Type", "gelf"},
    {"an annotation", CREATE("\"Annotations\":{\"cdi.k8s.io/x\":\"y\"}"), "annotations",
     "HostConfig.Annotations.cdi.k8s.io/x", "cdi.k8s.io/*"},
    {"coming back", CREATE("\"RestartPolicy\":{\"Name\":\"always\"}"), "restart",
     "HostConfig.RestartPolicy.Name", "always"},
    {"not coming back", CREATE("\"RestartPolicy\":{\"Name\":\"no\"}"), NULL, NULL, NULL},
    {"outliving others", CREATE("\"OomScoreAdj\":-500"), "memory", "HostConfig.OomScoreAdj", NULL},
    {"a privileged exec", DOCKER_CONTAINER_EXEC, "{\"Cmd\":[\"a\"],\"Privileged\":true}", "exec",
     "Privileged", ""},
    {"an exec", DOCKER_CONTAINER_EXEC, "{\"Cmd\":[\"a\"],\"User\":\"root\"}", NULL, NULL, NULL},
    {"anything in a field that is left out", DOCKER_CONTAINER_EXEC,
     "{\"Detach\":[[[{\"Privileged\":true}]]],\"Cmd\":[\"a\"]}", NULL, NULL, NULL},
    {"a service", DOCKER_SERVICE_CREATE,
     "{\"Name\":\"s\",\"TaskTemplate\":{\"Placement\":{\"Constraints\":[\"a\"]}}}", "services",
     "TaskTemplate", NULL},
};

static bool is_there(void *context, struct slice folder, struct slice path, const char **why_out)
{
    (void)context, (void)folder, (void)path, (void)why_out;
    return true;
}

static enum guard guard_of(const char *name)
{
    enum guard guard = GUARD_NONE;
    while (strcmp(guard_name(guard), name) != 0)
        guard++;
    return guard;
}

static void judge(const struct row *row, const struct guard_set *set, struct guard_finding *finding)
{
    struct error error = {0};
    AUTO_BODY struct body body;
    cr_assert(body_read(&body, row->operation, 0, slice_from_text(row->text), &error), "%s: %s",
              row->name, error.text);
    struct guard_case c = {.set = set, .body = &body, .host_path = is_there, .finding = finding};
    guard_judge(&c);
}

Test(guard_judge, the_safe_values)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        static const struct guard_set safe;
        struct guard_finding finding;
        judge(row, &safe, &finding);
        cr_expect_eq(finding.count > 0, row->guard != NULL, "%s: %s", row->name,
                     finding.count > 0 ? finding.text : "it passes");
        if (finding.count == 0 || row->guard == NULL)
            continue;
        cr_expect_str_eq(guard_name(finding.guard), row->guard, "%s", row->name);
        cr_expect_str_eq(finding.field, row->field, "%s", row->name);
        cr_expect_str_eq(finding.source, "default guard", "%s", row->name);
    }
}

Test(guard_judge, what_permits_it)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct guard_set set = {.report = false};
        struct guard_finding finding;
        struct error error;
        struct pattern item;
        if (row->permit == NULL || strcmp(row->permit, "x") == 0)
            continue;
        struct guard_value *value = &set.values[guard_of(row->guard)];
        value->source = "policy.yaml:1";
        value->any = row->permit[0] == '\0';
        if (!value->any) {
            cr_assert(pattern_compile(&item, PATTERN_VALUE, slice_from_text(row->permit), &error));
            value->items = &item;
            value->count = 1;
        }
        judge(row, &set, &finding);
        cr_expect_eq(finding.count, 0, "%s: %s", row->name, finding.text);
        if (!value->any)
            pattern_clear(&item);
    }
}

static const struct {
    const char *name, *text;
    enum guard guard;
    int64_t max;
    bool passes;
} limit_rows[] = {
    {"below", "{\"HostConfig\":{\"Memory\":100}}", GUARD_MEMORY, 100, true},
    {"above", "{\"HostConfig\":{\"Memory\":101}}", GUARD_MEMORY, 100, false},
    {"none", "{\"HostConfig\":{}}", GUARD_MEMORY, 100, false},
    {"no HostConfig", "{}", GUARD_MEMORY, 100, false},
    {"unlimited", "{\"HostConfig\":{\"Memory\":-1}}", GUARD_MEMORY, 100, false},
    {"half a processor", "{\"HostConfig\":{\"NanoCpus\":500000000}}", GUARD_CPUS, 500000000, true},
    {"more", "{\"HostConfig\":{\"NanoCpus\":500000001}}", GUARD_CPUS, 500000000, false},
    {"by a quota", "{\"HostConfig\":{\"CpuQuota\":50000}}", GUARD_CPUS, 500000000, true},
    {"by a quota and a period", "{\"HostConfig\":{\"CpuQuota\":50000,\"CpuPeriod\":50000}}",
     GUARD_CPUS, 500000000, false},
    {"a period alone", "{\"HostConfig\":{\"CpuPeriod\":50000}}", GUARD_CPUS, 500000000, false},
    {"shares are no limit", "{\"HostConfig\":{\"CpuShares\":2}}", GUARD_CPUS, 500000000, false},
    {"a huge quota", "{\"HostConfig\":{\"CpuQuota\":9223372036854775807}}", GUARD_CPUS, 500000000,
     false},
    {"processes", "{\"HostConfig\":{\"PidsLimit\":5}}", GUARD_PIDS, 5, true},
    {"any number of them", "{\"HostConfig\":{\"PidsLimit\":-1}}", GUARD_PIDS, 5, false},
};

Test(guard_judge, limits_are_asked_for_and_kept)
{
    for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++) {
        struct guard_set set = {.report = false};
        struct guard_finding finding;
        set.values[limit_rows[i].guard] =
            (struct guard_value){.source = "p:1", .has_max = true, .max = limit_rows[i].max};
        const struct row row = {.name = limit_rows[i].name,
                                .operation = DOCKER_CONTAINER_CREATE,
                                .text = limit_rows[i].text};
        judge(&row, &set, &finding);
        cr_expect_eq(finding.count == 0, limit_rows[i].passes, "%s: %s", row.name, finding.text);
    }
}

static const struct {
    const char *name, *item, *source;
    bool read_only, passes;
} bind_rows[] = {
    {"the folder", "/srv/a", "/srv/a", false, true},
    {"something in it", "/srv/a", "/srv/a/b", false, false},
    {"what stands in it", "/srv/a/*", "/srv/a/b", false, true},
    {"the folder itself", "/srv/a/*", "/srv/a", false, false},
    {"deeper", "/srv/a/*", "/srv/a/b/c", false, false},
    {"beside it", "/srv/a/*", "/srv/ab", false, false},
    {"nothing in it", "/srv/a/*", "/srv/a/", false, false},
    {"to be written", "/srv/a:ro", "/srv/a", false, false},
    {"to be read", "/srv/a:ro", "/srv/a", true, true},
    {"to be read, though it may be written", "/srv/a", "/srv/a", true, true},
};

Test(guard_judge, sources_of_binds)
{
    for (size_t i = 0; i < ARRAY_LEN(bind_rows); i++) {
        struct guard_set set = {.report = false};
        struct guard_finding finding;
        struct error error;
        struct pattern item;
        char text[160];
        cr_assert(
            pattern_compile(&item, PATTERN_VALUE, slice_from_text(bind_rows[i].item), &error));
        set.values[GUARD_BINDS] = (struct guard_value){.source = "p:1", .items = &item, .count = 1};
        snprintf(text, sizeof(text), "{\"HostConfig\":{\"Binds\":[\"%s:/x%s\"]}}",
                 bind_rows[i].source, bind_rows[i].read_only ? ":ro" : "");
        const struct row row = {
            .name = bind_rows[i].name, .operation = DOCKER_CONTAINER_CREATE, .text = text};
        judge(&row, &set, &finding);
        cr_expect_eq(finding.count == 0, bind_rows[i].passes, "%s: %s", row.name, finding.text);
        pattern_clear(&item);
    }
}
