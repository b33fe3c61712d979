/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of body_type.h. A row that says no guard does not compile. The structs stand below those
 * they are made of. What the published descriptions lack or misplace stands as the engine's own
 * source has it; tests/unit/rules/guard/body_table_test.c compares the rest with them. */
#include "rules/guard/body_type.h"

#include "base/attributes.h"

#define FIELD(key, type, first, last, guard)                                                       \
    {{(key), sizeof(key) - 1}, &(type), (first), (last), GUARD_##guard},
#define OBJECT(name) static const struct body_field name##_fields[] = {
#define END(name)                                                                                  \
    }                                                                                              \
    ;                                                                                              \
    static const struct body_type name = {                                                         \
        .kind = BODY_OBJECT, .fields = name##_fields, .count = ARRAY_LEN(name##_fields)};
#define LIST(name, of) static const struct body_type name = {.kind = BODY_LIST, .element = &(of)};
#define MAP(name, of) static const struct body_type name = {.kind = BODY_MAP, .element = &(of)};

static const struct body_type flag = {.kind = BODY_FLAG};
static const struct body_type integer = {.kind = BODY_INTEGER};
static const struct body_type number = {.kind = BODY_NUMBER};
static const struct body_type text = {.kind = BODY_TEXT};
static const struct body_type empty = {.kind = BODY_OBJECT};
static const struct body_type ignored = {.kind = BODY_IGNORED};
static const struct body_type text_or_list = {.kind = BODY_TEXT_OR_LIST, .element = &text};
LIST(texts, text)
LIST(text_lists, texts)
LIST(integers, integer)
MAP(text_map, text)
MAP(empty_map, empty)

/* clang-format off */

/* ---- containers ---- */

OBJECT(healthcheck)
    FIELD("Interval", integer, 25, 55, NONE)
    FIELD("Retries", integer, 25, 55, NONE)
    FIELD("StartInterval", integer, 44, 55, NONE)
    FIELD("StartPeriod", integer, 29, 55, NONE)
    FIELD("Test", texts, 25, 55, NONE)
    FIELD("Timeout", integer, 25, 55, NONE)
END(healthcheck)

OBJECT(throttle_device)
    FIELD("Path", text, 25, 55, DEVICES)
    FIELD("Rate", integer, 25, 55, DEVICES)
END(throttle_device)
LIST(throttle_devices, throttle_device)

OBJECT(weight_device)
    FIELD("Path", text, 25, 55, DEVICES)
    FIELD("Weight", integer, 25, 55, DEVICES)
END(weight_device)
LIST(weight_devices, weight_device)

OBJECT(device_request)
    FIELD("Capabilities", text_lists, 40, 55, DEVICES)
    FIELD("Count", integer, 40, 55, DEVICES)
    FIELD("DeviceIDs", texts, 40, 55, DEVICES)
    FIELD("Driver", text, 40, 55, DEVICES)
    FIELD("Options", text_map, 40, 55, DEVICES)
END(device_request)
LIST(device_requests, device_request)

OBJECT(device)
    FIELD("CgroupPermissions", text, 25, 55, DEVICES)
    FIELD("PathInContainer", text, 25, 55, DEVICES)
    FIELD("PathOnHost", text, 25, 55, DEVICES)
END(device)
LIST(devices, device)

OBJECT(log_config)
    FIELD("Config", text_map, 25, 55, LOG_DRIVERS)
    FIELD("Type", text, 25, 55, LOG_DRIVERS)
END(log_config)

OBJECT(driver_config)
    FIELD("Name", text, 25, 55, VOLUMES)
    FIELD("Options", text_map, 25, 55, VOLUMES)
END(driver_config)

OBJECT(bind_options)
    FIELD("CreateMountpoint", flag, 42, 55, BINDS)
    FIELD("NonRecursive", flag, 40, 55, BINDS)
    FIELD("Propagation", text, 25, 55, BINDS)
    FIELD("ReadOnlyForceRecursive", flag, 44, 55, BINDS)
    FIELD("ReadOnlyNonRecursive", flag, 44, 55, BINDS)
END(bind_options)

OBJECT(image_options)
    FIELD("Subpath", text, 48, 55, IMAGES)
END(image_options)

OBJECT(tmpfs_options)
    FIELD("Mode", integer, 25, 55, TMPFS)
    FIELD("Options", text_lists, 46, 55, TMPFS)
    FIELD("SizeBytes", integer, 25, 55, TMPFS)
END(tmpfs_options)

OBJECT(volume_options)
    FIELD("DriverConfig", driver_config, 25, 55, VOLUMES)
    FIELD("Labels", text_map, 25, 55, VOLUMES)
    FIELD("NoCopy", flag, 25, 55, NONE)
    FIELD("Subpath", text, 45, 55, VOLUMES)
END(volume_options)

OBJECT(mount)
    FIELD("BindOptions", bind_options, 25, 55, BINDS)
    FIELD("ClusterOptions", empty, 42, 55, VOLUMES)
    FIELD("Consistency", text, 29, 55, NONE)
    FIELD("ImageOptions", image_options, 48, 55, IMAGES)
    FIELD("ReadOnly", flag, 25, 55, BINDS)
    FIELD("Source", text, 25, 55, BINDS)
    FIELD("Target", text, 25, 55, BINDS)
    FIELD("TmpfsOptions", tmpfs_options, 25, 55, TMPFS)
    FIELD("Type", text, 25, 55, BINDS)
    FIELD("VolumeOptions", volume_options, 25, 55, VOLUMES)
END(mount)
LIST(mounts, mount)

OBJECT(port_binding)
    FIELD("HostIp", text, 25, 55, PUBLISH)
    FIELD("HostPort", text, 25, 55, PUBLISH)
END(port_binding)
LIST(port_bindings, port_binding)
MAP(port_map, port_bindings)

OBJECT(restart_policy)
    FIELD("MaximumRetryCount", integer, 25, 55, RESTART)
    FIELD("Name", text, 25, 55, RESTART)
END(restart_policy)

OBJECT(ulimit)
    FIELD("Hard", integer, 25, 55, ULIMITS)
    FIELD("Name", text, 25, 55, ULIMITS)
    FIELD("Soft", integer, 25, 55, ULIMITS)
END(ulimit)
LIST(ulimits, ulimit)

/* What container.Resources holds: fields of HostConfig, and of an update's body. */
#define RESOURCES                                              \
    FIELD("BlkioDeviceReadBps", throttle_devices, 25, 55, DEVICES)   \
    FIELD("BlkioDeviceReadIOps", throttle_devices, 25, 55, DEVICES)  \
    FIELD("BlkioDeviceWriteBps", throttle_devices, 25, 55, DEVICES)  \
    FIELD("BlkioDeviceWriteIOps", throttle_devices, 25, 55, DEVICES) \
    FIELD("BlkioWeight", integer, 25, 55, NONE)                \
    FIELD("BlkioWeightDevice", weight_devices, 25, 55, DEVICES)      \
    FIELD("CgroupParent", text, 25, 55, HOST_NAMESPACES)       \
    FIELD("CpuCount", integer, 25, 55, CPUS)                   \
    FIELD("CpuPercent", integer, 25, 55, CPUS)                 \
    FIELD("CpuPeriod", integer, 25, 55, CPUS)                  \
    FIELD("CpuQuota", integer, 25, 55, CPUS)                   \
    FIELD("CpuRealtimePeriod", integer, 25, 55, CPUS)          \
    FIELD("CpuRealtimeRuntime", integer, 25, 55, CPUS)         \
    FIELD("CpuShares", integer, 25, 55, NONE)                  \
    FIELD("CpusetCpus", text, 25, 55, NONE)                    \
    FIELD("CpusetMems", text, 25, 55, NONE)                    \
    FIELD("DeviceCgroupRules", texts, 28, 55, DEVICES)         \
    FIELD("DeviceRequests", device_requests, 40, 55, DEVICES)  \
    FIELD("Devices", devices, 25, 55, DEVICES)                 \
    FIELD("DiskQuota", integer, 25, 39, NONE)                  \
    FIELD("IOMaximumBandwidth", integer, 25, 55, NONE)         \
    FIELD("IOMaximumIOps", integer, 25, 55, NONE)              \
    FIELD("KernelMemory", integer, 36, 41, MEMORY)             \
    FIELD("KernelMemoryTCP", integer, 40, 51, MEMORY)          \
    FIELD("Memory", integer, 25, 55, MEMORY)                   \
    FIELD("MemoryReservation", integer, 25, 55, NONE)          \
    FIELD("MemorySwap", integer, 25, 55, MEMORY)               \
    FIELD("MemorySwappiness", integer, 25, 55, NONE)           \
    FIELD("NanoCpus", integer, 25, 55, CPUS)                   \
    FIELD("OomKillDisable", flag, 25, 55, MEMORY)              \
    FIELD("PidsLimit", integer, 25, 55, PIDS)                  \
    FIELD("Ulimits", ulimits, 25, 55, ULIMITS)

OBJECT(host_config)
    FIELD("Annotations", text_map, 43, 55, ANNOTATIONS)
    FIELD("AutoRemove", flag, 25, 55, NONE)
    FIELD("Binds", texts, 25, 55, BINDS)
    FIELD("CapAdd", text_or_list, 25, 55, CAPABILITIES)
    FIELD("CapDrop", text_or_list, 25, 55, CAPABILITIES)
    FIELD("Capabilities", text_or_list, 40, 40, CAPABILITIES)
    FIELD("Cgroup", text, 25, 55, HOST_NAMESPACES)
    FIELD("CgroupnsMode", text, 41, 55, HOST_NAMESPACES)
    FIELD("ConsoleSize", integers, 25, 55, NONE)
    FIELD("ContainerIDFile", text, 25, 55, NONE)
    FIELD("Dns", texts, 25, 55, NETWORKS)
    FIELD("DnsOptions", texts, 25, 55, NETWORKS)
    FIELD("DnsSearch", texts, 25, 55, NETWORKS)
    FIELD("ExtraHosts", texts, 25, 55, NETWORKS)
    FIELD("GroupAdd", texts, 25, 55, USERS)
    FIELD("Init", flag, 37, 55, NONE)
    FIELD("IpcMode", text, 25, 55, HOST_NAMESPACES)
    FIELD("Isolation", text, 25, 55, RUNTIMES)
    FIELD("Links", texts, 25, 55, NETWORKS)
    FIELD("LogConfig", log_config, 25, 55, LOG_DRIVERS)
    FIELD("MaskedPaths", texts, 38, 55, SECURITY_OPT)
    FIELD("Mounts", mounts, 25, 55, BINDS)
    FIELD("NetworkMode", text, 25, 55, NETWORKS)
    FIELD("OomScoreAdj", integer, 25, 55, MEMORY)
    FIELD("PidMode", text, 25, 55, HOST_NAMESPACES)
    FIELD("PortBindings", port_map, 25, 55, PUBLISH)
    FIELD("Privileged", flag, 25, 55, PRIVILEGED)
    FIELD("PublishAllPorts", flag, 25, 55, PUBLISH)
    FIELD("ReadonlyPaths", texts, 38, 55, SECURITY_OPT)
    FIELD("ReadonlyRootfs", flag, 25, 55, NONE)
    FIELD("RestartPolicy", restart_policy, 25, 55, RESTART)
    FIELD("Runtime", text, 25, 55, RUNTIMES)
    FIELD("SecurityOpt", texts, 25, 55, SECURITY_OPT)
    FIELD("ShmSize", integer, 25, 55, MEMORY)
    FIELD("StorageOpt", text_map, 25, 55, VOLUMES)
    FIELD("Sysctls", text_map, 25, 55, SYSCTLS)
    FIELD("Tmpfs", text_map, 25, 55, TMPFS)
    FIELD("UTSMode", text, 25, 55, HOST_NAMESPACES)
    FIELD("UsernsMode", text, 25, 55, HOST_NAMESPACES)
    FIELD("VolumeDriver", text, 25, 55, VOLUMES)
    FIELD("VolumesFrom", texts, 25, 55, BINDS)
    RESOURCES
END(host_config)

OBJECT(endpoint_ipam)
    FIELD("IPv4Address", text, 25, 55, NETWORKS)
    FIELD("IPv6Address", text, 25, 55, NETWORKS)
    FIELD("LinkLocalIPs", texts, 25, 55, NETWORKS)
END(endpoint_ipam)

OBJECT(endpoint)
    FIELD("Aliases", texts, 25, 55, NETWORKS)
    FIELD("DNSNames", texts, 44, 55, NONE)
    FIELD("DriverOpts", text_map, 32, 55, NETWORKS)
    FIELD("EndpointID", text, 25, 55, NONE)
    FIELD("Gateway", text, 25, 55, NONE)
    FIELD("GlobalIPv6Address", text, 25, 55, NONE)
    FIELD("GlobalIPv6PrefixLen", integer, 25, 55, NONE)
    FIELD("GwPriority", integer, 48, 55, NETWORKS)
    FIELD("IPAMConfig", endpoint_ipam, 25, 55, NETWORKS)
    FIELD("IPAddress", text, 25, 55, NONE)
    FIELD("IPPrefixLen", integer, 25, 55, NONE)
    FIELD("IPv6Gateway", text, 25, 55, NONE)
    FIELD("Links", texts, 25, 55, NETWORKS)
    FIELD("MacAddress", text, 25, 55, NETWORKS)
    FIELD("NetworkID", text, 25, 55, NETWORKS)
END(endpoint)
MAP(endpoint_map, endpoint)

OBJECT(networking_config)
    FIELD("EndpointsConfig", endpoint_map, 25, 55, NETWORKS)
END(networking_config)

/* What container.Config holds: the body of a create, and of a commit. */
#define CONTAINER_CONFIG                                 \
    FIELD("ArgsEscaped", flag, 25, 55, NONE)             \
    FIELD("AttachStderr", flag, 25, 55, NONE)            \
    FIELD("AttachStdin", flag, 25, 55, NONE)             \
    FIELD("AttachStdout", flag, 25, 55, NONE)            \
    FIELD("Cmd", text_or_list, 25, 55, NONE)             \
    FIELD("Domainname", text, 25, 55, NONE)              \
    FIELD("Entrypoint", text_or_list, 25, 55, NONE)      \
    FIELD("Env", texts, 25, 55, DEVICES)                 \
    FIELD("ExposedPorts", empty_map, 25, 55, NONE)       \
    FIELD("Healthcheck", healthcheck, 25, 55, NONE)      \
    FIELD("Hostname", text, 25, 55, NONE)                \
    FIELD("Image", text, 25, 55, IMAGES)                 \
    FIELD("Labels", text_map, 25, 55, NONE)              \
    FIELD("MacAddress", text, 25, 51, NETWORKS)          \
    FIELD("NetworkDisabled", flag, 25, 55, NONE)         \
    FIELD("OnBuild", texts, 25, 55, BUILD)               \
    FIELD("OpenStdin", flag, 25, 55, NONE)               \
    FIELD("Shell", text_or_list, 25, 55, NONE)           \
    FIELD("StdinOnce", flag, 25, 55, NONE)               \
    FIELD("StopSignal", text, 25, 55, NONE)              \
    FIELD("StopTimeout", integer, 25, 55, NONE)          \
    FIELD("Tty", flag, 25, 55, NONE)                     \
    FIELD("User", text, 25, 55, USERS)                   \
    FIELD("Volumes", empty_map, 25, 55, VOLUMES)         \
    FIELD("WorkingDir", text, 25, 55, BINDS)

OBJECT(container_create)
    CONTAINER_CONFIG
    FIELD("HostConfig", host_config, 25, 55, NONE)
    FIELD("NetworkingConfig", networking_config, 25, 55, NETWORKS)
    FIELD("Runtime", text, 25, 55, RUNTIMES) /* docker-py's place, read without a HostConfig */
END(container_create)

OBJECT(image_commit)
    CONTAINER_CONFIG
END(image_commit)

OBJECT(container_update)
    FIELD("Init", flag, 37, 55, NONE)
    FIELD("RestartPolicy", restart_policy, 25, 55, RESTART)
    RESOURCES
END(container_update)

OBJECT(container_exec)
    FIELD("AttachStderr", flag, 25, 55, NONE)
    FIELD("AttachStdin", flag, 25, 55, NONE)
    FIELD("AttachStdout", flag, 25, 55, NONE)
    FIELD("Cmd", texts, 25, 55, EXEC)
    FIELD("ConsoleSize", integers, 42, 55, NONE)
    FIELD("Container", ignored, 25, 55, NONE)
    FIELD("Detach", ignored, 25, 55, NONE)
    FIELD("DetachKeys", text, 25, 55, NONE)
    FIELD("Env", texts, 25, 55, EXEC)
    FIELD("Privileged", flag, 25, 55, EXEC)
    FIELD("Tty", flag, 25, 55, NONE)
    FIELD("User", text, 25, 55, EXEC)
    FIELD("WorkingDir", text, 35, 55, EXEC)
END(container_exec)

OBJECT(exec_start)
    FIELD("ConsoleSize", integers, 42, 55, NONE)
    FIELD("Detach", flag, 25, 55, NONE)
    FIELD("Tty", flag, 25, 55, NONE)
    FIELD("hijack", ignored, 25, 55, NONE)
    FIELD("stdin", ignored, 25, 55, NONE)
END(exec_start)

OBJECT(checkpoint_create)
    FIELD("CheckpointDir", text, 25, 55, BINDS)
    FIELD("CheckpointID", text, 25, 55, BINDS)
    FIELD("Exit", flag, 25, 55, NONE)
END(checkpoint_create)

/* ---- networks and volumes ---- */

OBJECT(ipam_config)
    FIELD("AuxiliaryAddresses", text_map, 25, 55, NETWORKS)
    FIELD("Gateway", text, 25, 55, NETWORKS)
    FIELD("IPRange", text, 25, 55, NETWORKS)
    FIELD("Subnet", text, 25, 55, NETWORKS)
END(ipam_config)
LIST(ipam_configs, ipam_config)

OBJECT(ipam)
    FIELD("Config", ipam_configs, 25, 55, NETWORKS)
    FIELD("Driver", text, 25, 55, NETWORKS)
    FIELD("Options", text_map, 25, 55, NETWORKS)
END(ipam)

OBJECT(config_from)
    FIELD("Network", text, 41, 55, NETWORKS)
END(config_from)

OBJECT(network_create)
    FIELD("Attachable", flag, 27, 55, NETWORKS)
    FIELD("CheckDuplicate", flag, 25, 45, NONE)
    FIELD("ConfigFrom", config_from, 41, 55, NETWORKS)
    FIELD("ConfigOnly", flag, 41, 55, NETWORKS)
    FIELD("Driver", text, 25, 55, NETWORKS)
    FIELD("EnableIPv4", flag, 47, 55, NETWORKS)
    FIELD("EnableIPv6", flag, 25, 55, NETWORKS)
    FIELD("IPAM", ipam, 25, 55, NETWORKS)
    FIELD("Ingress", flag, 29, 55, NETWORKS)
    FIELD("Internal", flag, 25, 55, NETWORKS)
    FIELD("Labels", text_map, 25, 55, NONE)
    FIELD("Name", text, 25, 55, NETWORKS)
    FIELD("Options", text_map, 25, 55, NETWORKS)
    FIELD("Scope", text, 41, 55, NETWORKS)
END(network_create)

OBJECT(network_connect)
    FIELD("Container", text, 25, 55, NETWORKS)
    FIELD("EndpointConfig", endpoint, 25, 55, NETWORKS)
END(network_connect)

OBJECT(network_disconnect)
    FIELD("Container", text, 25, 55, NONE)
    FIELD("Force", flag, 25, 55, NONE)
END(network_disconnect)

OBJECT(topology)
    FIELD("Segments", text_map, 42, 55, VOLUMES)
END(topology)
LIST(topologies, topology)

OBJECT(topology_requirement)
    FIELD("Preferred", topologies, 42, 55, VOLUMES)
    FIELD("Requisite", topologies, 42, 55, VOLUMES)
END(topology_requirement)

OBJECT(capacity_range)
    FIELD("LimitBytes", integer, 42, 55, VOLUMES)
    FIELD("RequiredBytes", integer, 42, 55, VOLUMES)
END(capacity_range)

OBJECT(volume_secret)
    FIELD("Key", text, 42, 55, VOLUMES)
    FIELD("Secret", text, 42, 55, VOLUMES)
END(volume_secret)
LIST(volume_secrets, volume_secret)

OBJECT(mount_volume)
    FIELD("FsType", text, 42, 55, VOLUMES)
    FIELD("MountFlags", texts, 42, 55, VOLUMES)
END(mount_volume)

OBJECT(access_mode)
    FIELD("BlockVolume", empty, 42, 55, VOLUMES)
    FIELD("MountVolume", mount_volume, 42, 55, VOLUMES)
    FIELD("Scope", text, 42, 55, VOLUMES)
    FIELD("Sharing", text, 42, 55, VOLUMES)
END(access_mode)

OBJECT(cluster_volume)
    FIELD("AccessMode", access_mode, 42, 55, VOLUMES)
    FIELD("AccessibilityRequirements", topology_requirement, 42, 55, VOLUMES)
    FIELD("Availability", text, 42, 55, VOLUMES)
    FIELD("CapacityRange", capacity_range, 42, 55, VOLUMES)
    FIELD("Group", text, 42, 55, VOLUMES)
    FIELD("Secrets", volume_secrets, 42, 55, VOLUMES)
END(cluster_volume)

OBJECT(volume_create)
    FIELD("ClusterVolumeSpec", cluster_volume, 42, 55, VOLUMES)
    FIELD("Driver", text, 25, 55, VOLUMES)
    FIELD("DriverOpts", text_map, 25, 55, VOLUMES)
    FIELD("Labels", text_map, 25, 55, NONE)
    FIELD("Name", text, 25, 55, VOLUMES)
END(volume_create)

OBJECT(volume_update)
    FIELD("Spec", cluster_volume, 42, 55, VOLUMES)
END(volume_update)

/* ---- swarm ---- */

OBJECT(driver)
    FIELD("Name", text, 25, 55, SERVICES)
    FIELD("Options", text_map, 25, 55, SERVICES)
END(driver)

OBJECT(secret)
    FIELD("Data", text, 25, 55, SERVICES)
    FIELD("Driver", driver, 31, 55, SERVICES)
    FIELD("Labels", text_map, 25, 55, NONE)
    FIELD("Name", text, 25, 55, NONE)
    FIELD("Templating", driver, 37, 55, SERVICES)
END(secret)

OBJECT(config)
    FIELD("Data", text, 30, 55, SERVICES)
    FIELD("Labels", text_map, 30, 55, NONE)
    FIELD("Name", text, 30, 55, NONE)
    FIELD("Templating", driver, 37, 55, SERVICES)
END(config)

OBJECT(file_target)
    FIELD("GID", text, 27, 55, SERVICES)
    FIELD("Mode", integer, 27, 55, SERVICES)
    FIELD("Name", text, 27, 55, SERVICES)
    FIELD("UID", text, 27, 55, SERVICES)
END(file_target)

OBJECT(secret_reference)
    FIELD("File", file_target, 27, 55, SERVICES)
    FIELD("SecretID", text, 27, 55, SERVICES)
    FIELD("SecretName", text, 27, 55, SERVICES)
END(secret_reference)
LIST(secret_references, secret_reference)

OBJECT(config_reference)
    FIELD("ConfigID", text, 30, 55, SERVICES)
    FIELD("ConfigName", text, 30, 55, SERVICES)
    FIELD("File", file_target, 30, 55, SERVICES)
    FIELD("Runtime", empty, 40, 55, SERVICES)
END(config_reference)
LIST(config_references, config_reference)

OBJECT(dns_config)
    FIELD("Nameservers", texts, 25, 55, NETWORKS)
    FIELD("Options", texts, 25, 55, NETWORKS)
    FIELD("Search", texts, 25, 55, NETWORKS)
END(dns_config)

OBJECT(apparmor_options)
    FIELD("Mode", text, 44, 55, SECURITY_OPT)
END(apparmor_options)

OBJECT(credential_spec)
    FIELD("Config", text, 40, 55, SECURITY_OPT)
    FIELD("File", text, 30, 55, SECURITY_OPT)
    FIELD("Registry", text, 30, 55, SECURITY_OPT)
END(credential_spec)

OBJECT(selinux_context)
    FIELD("Disable", flag, 30, 55, SECURITY_OPT)
    FIELD("Level", text, 30, 55, SECURITY_OPT)
    FIELD("Role", text, 30, 55, SECURITY_OPT)
    FIELD("Type", text, 30, 55, SECURITY_OPT)
    FIELD("User", text, 30, 55, SECURITY_OPT)
END(selinux_context)

OBJECT(seccomp_options)
    FIELD("Mode", text, 44, 55, SECURITY_OPT)
    FIELD("Profile", text, 44, 55, SECURITY_OPT)
END(seccomp_options)

OBJECT(privileges)
    FIELD("AppArmor", apparmor_options, 44, 55, SECURITY_OPT)
    FIELD("CredentialSpec", credential_spec, 30, 55, SECURITY_OPT)
    FIELD("NoNewPrivileges", flag, 44, 55, SECURITY_OPT)
    FIELD("SELinuxContext", selinux_context, 30, 55, SECURITY_OPT)
    FIELD("Seccomp", seccomp_options, 44, 55, SECURITY_OPT)
END(privileges)

OBJECT(container_spec)
    FIELD("Args", texts, 25, 55, NONE)
    FIELD("CapabilityAdd", texts, 41, 55, CAPABILITIES)
    FIELD("CapabilityDrop", texts, 41, 55, CAPABILITIES)
    FIELD("Command", texts, 25, 55, NONE)
    FIELD("Configs", config_references, 30, 55, SERVICES)
    FIELD("DNSConfig", dns_config, 25, 55, NETWORKS)
    FIELD("Dir", text, 25, 55, BINDS)
    FIELD("Env", texts, 25, 55, DEVICES)
    FIELD("Groups", texts, 27, 55, USERS)
    FIELD("Healthcheck", healthcheck, 27, 55, NONE)
    FIELD("Hostname", text, 27, 55, NONE)
    FIELD("Hosts", texts, 27, 55, NETWORKS)
    FIELD("Image", text, 25, 55, IMAGES)
    FIELD("Init", flag, 38, 55, NONE)
    FIELD("Isolation", text, 35, 55, RUNTIMES)
    FIELD("Labels", text_map, 25, 55, NONE)
    FIELD("Mounts", mounts, 25, 55, BINDS)
    FIELD("OomScoreAdj", integer, 46, 55, MEMORY)
    FIELD("OpenStdin", flag, 27, 55, NONE)
    FIELD("Privileges", privileges, 30, 55, SECURITY_OPT)
    FIELD("ReadOnly", flag, 27, 55, NONE)
    FIELD("Secrets", secret_references, 27, 55, SERVICES)
    FIELD("StopGracePeriod", integer, 25, 55, NONE)
    FIELD("StopSignal", text, 28, 55, NONE)
    FIELD("Sysctls", text_map, 40, 55, SYSCTLS)
    FIELD("TTY", flag, 25, 55, NONE)
    FIELD("Ulimits", ulimits, 41, 55, ULIMITS)
    FIELD("User", text, 25, 55, USERS)
END(container_spec)

OBJECT(network_attachment_spec)
    FIELD("ContainerID", text, 38, 55, NETWORKS)
END(network_attachment_spec)

OBJECT(network_attachment)
    FIELD("Aliases", texts, 25, 55, NETWORKS)
    FIELD("DriverOpts", text_map, 39, 55, NETWORKS)
    FIELD("Target", text, 25, 55, NETWORKS)
END(network_attachment)
LIST(network_attachments, network_attachment)

OBJECT(platform)
    FIELD("Architecture", text, 30, 55, NONE)
    FIELD("OS", text, 30, 55, NONE)
END(platform)
LIST(platforms, platform)

OBJECT(spread)
    FIELD("SpreadDescriptor", text, 28, 55, NONE)
END(spread)

OBJECT(preference)
    FIELD("Spread", spread, 28, 55, NONE)
END(preference)
LIST(preferences, preference)

OBJECT(placement)
    FIELD("Constraints", texts, 25, 55, SERVICES)
    FIELD("MaxReplicas", integer, 40, 55, NONE)
    FIELD("Platforms", platforms, 30, 55, NONE)
    FIELD("Preferences", preferences, 28, 55, NONE)
END(placement)

OBJECT(runtime_privilege)
    FIELD("description", text, 31, 55, PLUGINS)
    FIELD("name", text, 31, 55, PLUGINS)
    FIELD("value", texts, 31, 55, PLUGINS)
END(runtime_privilege)
LIST(runtime_privileges, runtime_privilege)

OBJECT(plugin_spec)
    FIELD("disabled", flag, 31, 55, PLUGINS)
    FIELD("env", texts, 31, 55, PLUGINS)
    FIELD("name", text, 31, 55, PLUGINS)
    FIELD("privileges", runtime_privileges, 31, 55, PLUGINS)
    FIELD("remote", text, 31, 55, PLUGINS)
END(plugin_spec)

OBJECT(discrete_resource)
    FIELD("Kind", text, 32, 55, DEVICES)
    FIELD("Value", integer, 32, 55, DEVICES)
END(discrete_resource)

OBJECT(named_resource)
    FIELD("Kind", text, 32, 55, DEVICES)
    FIELD("Value", text, 32, 55, DEVICES)
END(named_resource)

OBJECT(generic_resource)
    FIELD("DiscreteResourceSpec", discrete_resource, 32, 55, DEVICES)
    FIELD("NamedResourceSpec", named_resource, 32, 55, DEVICES)
END(generic_resource)
LIST(generic_resources, generic_resource)

OBJECT(resource_limits)
    FIELD("GenericResources", generic_resources, 32, 40, DEVICES)
    FIELD("MemoryBytes", integer, 25, 55, MEMORY)
    FIELD("NanoCPUs", integer, 25, 55, CPUS)
    FIELD("Pids", integer, 41, 55, PIDS)
END(resource_limits)

OBJECT(resource_reservations)
    FIELD("GenericResources", generic_resources, 32, 55, DEVICES)
    FIELD("MemoryBytes", integer, 25, 55, NONE)
    FIELD("NanoCPUs", integer, 25, 55, NONE)
END(resource_reservations)

OBJECT(service_resources)
    FIELD("Limits", resource_limits, 25, 55, NONE)
    FIELD("MemorySwappiness", integer, 52, 55, NONE)
    FIELD("Reservations", resource_reservations, 25, 55, NONE)
    FIELD("SwapBytes", integer, 52, 55, MEMORY)
END(service_resources)

OBJECT(task_restart)
    FIELD("Condition", text, 25, 55, RESTART)
    FIELD("Delay", integer, 25, 55, RESTART)
    FIELD("MaxAttempts", integer, 25, 55, RESTART)
    FIELD("Window", integer, 25, 55, RESTART)
END(task_restart)

OBJECT(task_template)
    FIELD("ContainerSpec", container_spec, 25, 55, NONE)
    FIELD("ForceUpdate", integer, 25, 55, NONE)
    FIELD("LogDriver", driver, 25, 55, LOG_DRIVERS)
    FIELD("NetworkAttachmentSpec", network_attachment_spec, 38, 55, NETWORKS)
    FIELD("Networks", network_attachments, 25, 55, NETWORKS)
    FIELD("Placement", placement, 25, 55, NONE)
    FIELD("PluginSpec", plugin_spec, 31, 55, PLUGINS)
    FIELD("Resources", service_resources, 25, 55, NONE)
    FIELD("RestartPolicy", task_restart, 25, 55, RESTART)
    FIELD("Runtime", text, 30, 55, SERVICES)
END(task_template)

OBJECT(service_port)
    FIELD("Name", text, 25, 55, PUBLISH)
    FIELD("Protocol", text, 25, 55, PUBLISH)
    FIELD("PublishMode", text, 34, 55, PUBLISH)
    FIELD("PublishedPort", integer, 25, 55, PUBLISH)
    FIELD("TargetPort", integer, 25, 55, PUBLISH)
END(service_port)
LIST(service_ports, service_port)

OBJECT(endpoint_spec)
    FIELD("Mode", text, 25, 55, NONE)
    FIELD("Ports", service_ports, 25, 55, PUBLISH)
END(endpoint_spec)

OBJECT(replicated)
    FIELD("Replicas", integer, 25, 55, NONE)
END(replicated)

OBJECT(replicated_job)
    FIELD("MaxConcurrent", integer, 41, 55, NONE)
    FIELD("TotalCompletions", integer, 41, 55, NONE)
END(replicated_job)

OBJECT(service_mode)
    FIELD("Global", empty, 25, 55, NONE)
    FIELD("GlobalJob", empty, 41, 55, NONE)
    FIELD("Replicated", replicated, 25, 55, NONE)
    FIELD("ReplicatedJob", replicated_job, 41, 55, NONE)
END(service_mode)

OBJECT(update_config)
    FIELD("Delay", integer, 25, 55, NONE)
    FIELD("FailureAction", text, 25, 55, NONE)
    FIELD("MaxFailureRatio", number, 25, 55, NONE)
    FIELD("Monitor", integer, 25, 55, NONE)
    FIELD("Order", text, 29, 55, NONE)
    FIELD("Parallelism", integer, 25, 55, NONE)
END(update_config)

OBJECT(service)
    FIELD("EndpointSpec", endpoint_spec, 25, 55, NONE)
    FIELD("Labels", text_map, 25, 55, NONE)
    FIELD("Mode", service_mode, 25, 55, NONE)
    FIELD("Name", text, 25, 55, NONE)
    FIELD("Networks", network_attachments, 25, 55, NETWORKS)
    FIELD("RollbackConfig", update_config, 28, 55, NONE)
    FIELD("TaskTemplate", task_template, 25, 55, SERVICES)
    FIELD("UpdateConfig", update_config, 25, 55, NONE)
END(service)

OBJECT(external_ca)
    FIELD("CACert", text, 30, 55, SWARM)
    FIELD("Options", text_map, 25, 55, SWARM)
    FIELD("Protocol", text, 25, 55, SWARM)
    FIELD("URL", text, 25, 55, SWARM)
END(external_ca)
LIST(external_cas, external_ca)

OBJECT(ca_config)
    FIELD("ExternalCAs", external_cas, 25, 55, SWARM)
    FIELD("ForceRotate", integer, 30, 55, SWARM)
    FIELD("NodeCertExpiry", integer, 25, 55, SWARM)
    FIELD("SigningCACert", text, 30, 55, SWARM)
    FIELD("SigningCAKey", text, 30, 55, SWARM)
END(ca_config)

OBJECT(dispatcher)
    FIELD("HeartbeatPeriod", integer, 25, 55, SWARM)
END(dispatcher)

OBJECT(encryption)
    FIELD("AutoLockManagers", flag, 25, 55, SWARM)
END(encryption)

OBJECT(orchestration)
    FIELD("TaskHistoryRetentionLimit", integer, 25, 55, SWARM)
END(orchestration)

OBJECT(raft)
    FIELD("ElectionTick", integer, 25, 55, SWARM)
    FIELD("HeartbeatTick", integer, 25, 55, SWARM)
    FIELD("KeepOldSnapshots", integer, 25, 55, SWARM)
    FIELD("LogEntriesForSlowFollowers", integer, 25, 55, SWARM)
    FIELD("SnapshotInterval", integer, 25, 55, SWARM)
END(raft)

OBJECT(task_defaults)
    FIELD("LogDriver", driver, 25, 55, SWARM)
END(task_defaults)

OBJECT(swarm_spec)
    FIELD("CAConfig", ca_config, 25, 55, SWARM)
    FIELD("Dispatcher", dispatcher, 25, 55, SWARM)
    FIELD("EncryptionConfig", encryption, 25, 55, SWARM)
    FIELD("Labels", text_map, 25, 55, SWARM)
    FIELD("Name", text, 25, 55, SWARM)
    FIELD("Orchestration", orchestration, 25, 55, SWARM)
    FIELD("Raft", raft, 25, 55, SWARM)
    FIELD("TaskDefaults", task_defaults, 25, 55, SWARM)
END(swarm_spec)

OBJECT(swarm_init)
    FIELD("AdvertiseAddr", text, 25, 55, SWARM)
    FIELD("AutoLockManagers", flag, 25, 55, SWARM)
    FIELD("Availability", text, 25, 55, SWARM)
    FIELD("DataPathAddr", text, 30, 55, SWARM)
    FIELD("DataPathPort", integer, 40, 55, SWARM)
    FIELD("DefaultAddrPool", texts, 39, 55, SWARM)
    FIELD("ForceNewCluster", flag, 25, 55, SWARM)
    FIELD("ListenAddr", text, 25, 55, SWARM)
    FIELD("Spec", swarm_spec, 25, 55, SWARM)
    FIELD("SubnetSize", integer, 39, 55, SWARM)
END(swarm_init)

OBJECT(swarm_join)
    FIELD("AdvertiseAddr", text, 25, 55, SWARM)
    FIELD("Availability", text, 25, 55, SWARM)
    FIELD("DataPathAddr", text, 30, 55, SWARM)
    FIELD("JoinToken", text, 25, 55, SWARM)
    FIELD("ListenAddr", text, 25, 55, SWARM)
    FIELD("RemoteAddrs", texts, 25, 55, SWARM)
END(swarm_join)

OBJECT(swarm_unlock)
    FIELD("UnlockKey", text, 25, 55, SWARM)
END(swarm_unlock)

OBJECT(node)
    FIELD("Availability", text, 25, 55, SWARM)
    FIELD("Labels", text_map, 25, 55, SWARM)
    FIELD("Name", text, 25, 55, SWARM)
    FIELD("Role", text, 25, 55, SWARM)
END(node)

/* ---- plugins and registries ---- */

OBJECT(plugin_privilege)
    FIELD("Description", text, 25, 55, PLUGINS)
    FIELD("Name", text, 25, 55, PLUGINS)
    FIELD("Value", texts, 25, 55, PLUGINS)
END(plugin_privilege)
LIST(plugin_privileges, plugin_privilege)

OBJECT(registry_auth)
    FIELD("auth", text, 25, 55, NONE)
    FIELD("email", text, 25, 51, NONE)
    FIELD("identitytoken", text, 25, 55, NONE)
    FIELD("password", text, 25, 55, NONE)
    FIELD("registrytoken", text, 25, 55, NONE)
    FIELD("serveraddress", text, 25, 55, NONE)
    FIELD("username", text, 25, 55, NONE)
END(registry_auth)

/* clang-format on */

const struct body_type *body_type_of(enum docker_operation operation)
{
    static const struct body_type *const types[DOCKER_OPERATION_COUNT] = {
        [DOCKER_CONFIG_CREATE] = &config,
        [DOCKER_CONFIG_UPDATE] = &config,
        [DOCKER_CONTAINER_CREATE] = &container_create,
        [DOCKER_CONTAINER_UPDATE] = &container_update,
        [DOCKER_CONTAINER_EXEC] = &container_exec,
        [DOCKER_EXEC_START] = &exec_start,
        [DOCKER_IMAGE_COMMIT] = &image_commit,
        [DOCKER_IMAGE_PUSH] = &registry_auth,
        [DOCKER_NETWORK_CONNECT] = &network_connect,
        [DOCKER_NETWORK_CREATE] = &network_create,
        [DOCKER_NETWORK_DISCONNECT] = &network_disconnect,
        [DOCKER_NODE_UPDATE] = &node,
        [DOCKER_PLUGIN_PULL] = &plugin_privileges,
        [DOCKER_PLUGIN_SET] = &texts,
        [DOCKER_PLUGIN_UPGRADE] = &plugin_privileges,
        [DOCKER_SECRET_CREATE] = &secret,
        [DOCKER_SECRET_UPDATE] = &secret,
        [DOCKER_SERVICE_CREATE] = &service,
        [DOCKER_SERVICE_UPDATE] = &service,
        [DOCKER_SWARM_INIT] = &swarm_init,
        [DOCKER_SWARM_JOIN] = &swarm_join,
        [DOCKER_SWARM_UNLOCK] = &swarm_unlock,
        [DOCKER_SWARM_UPDATE] = &swarm_spec,
        [DOCKER_SYSTEM_AUTH] = &registry_auth,
        [DOCKER_VOLUME_CREATE] = &volume_create,
        [DOCKER_VOLUME_UPDATE] = &volume_update,
        [DOCKER_CHECKPOINT_CREATE] = &checkpoint_create,
    };
    return types[operation];
}
