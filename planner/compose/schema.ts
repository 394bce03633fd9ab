import type { MapSchema, Schema } from './schema-types.ts';
import {
  ANY_SCALAR,
  ANYTHING,
  between,
  BOOLEAN,
  BOOLEAN_OR_STRING,
  either,
  INTEGER,
  INTEGER_OR_STRING,
  listOf,
  mapOf,
  mapping,
  matching,
  NULL,
  NUMBER,
  NUMBER_OR_STRING,
  NUMBER_OR_STRING_OR_BOOLEAN,
  oneOf,
  setOf,
  STRING,
  STRING_OR_NULL,
} from './schema-types.ts';

// The Compose schema as compose-go v2.9 has it (`schema/compose-spec.json`), as data.

const x = { x: true } as const;
const NAME = /^[a-zA-Z0-9._-]+$/;
const ANY_KEY = /^.+$/s;

const LIST = setOf(STRING);
const STRING_OR_LIST = either(STRING, LIST);
const KEY_VALUES = either(mapOf(ANY_SCALAR, /.+/), setOf(STRING));
const HOSTS = either(mapOf(either(STRING, listOf(STRING)), /.+/), setOf(STRING));
const COMMAND = either(STRING_OR_NULL, listOf(STRING));
const REFERENCES = listOf(
  either(STRING, mapping({ source: STRING, target: STRING, uid: STRING, gid: STRING, mode: NUMBER_OR_STRING }, x)),
);
const LIMITS = mapOf(
  either(INTEGER_OR_STRING, mapping({ 'hard*': INTEGER_OR_STRING, 'soft*': INTEGER_OR_STRING }, x)),
  /^[a-z]+$/,
  { open: true },
);
const HOOK = mapping(
  { 'command*': COMMAND, user: STRING, privileged: BOOLEAN_OR_STRING, working_dir: STRING, environment: KEY_VALUES },
  x,
);
const DRIVER_OPTIONS = mapOf(NUMBER_OR_STRING, ANY_KEY, { open: true });
const DEVICE_REQUEST = {
  capabilities: LIST,
  count: INTEGER_OR_STRING,
  device_ids: LIST,
  driver: STRING,
  options: KEY_VALUES,
} as const;

const BUILD_KEYS = {
  context: STRING,
  dockerfile: STRING,
  dockerfile_inline: STRING,
  entitlements: listOf(STRING),
  args: KEY_VALUES,
  ssh: KEY_VALUES,
  labels: KEY_VALUES,
  cache_from: listOf(STRING),
  cache_to: listOf(STRING),
  no_cache: BOOLEAN_OR_STRING,
  additional_contexts: KEY_VALUES,
  network: STRING,
  provenance: BOOLEAN_OR_STRING,
  sbom: BOOLEAN_OR_STRING,
  pull: BOOLEAN_OR_STRING,
  target: STRING,
  shm_size: INTEGER_OR_STRING,
  extra_hosts: HOSTS,
  isolation: STRING,
  privileged: BOOLEAN_OR_STRING,
  secrets: REFERENCES,
  tags: listOf(STRING),
  ulimits: LIMITS,
  platforms: listOf(STRING),
} as const;

const BUILD = either(STRING, mapping(BUILD_KEYS, x));

const DEVELOP = either(
  mapping(
    {
      watch: listOf(
        mapping(
          {
            ignore: STRING_OR_LIST,
            include: STRING_OR_LIST,
            'path*': STRING,
            'action*': oneOf('rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'),
            target: STRING,
            exec: HOOK,
            initial_sync: BOOLEAN,
          },
          x,
        ),
      ),
    },
    x,
  ),
  NULL,
);

const UPDATE = mapping(
  {
    parallelism: INTEGER_OR_STRING,
    delay: STRING,
    failure_action: STRING,
    monitor: STRING,
    max_failure_ratio: NUMBER_OR_STRING,
    order: oneOf('start-first', 'stop-first'),
  },
  x,
);

const RESOURCES = mapping(
  {
    limits: mapping({ cpus: NUMBER_OR_STRING, memory: STRING, pids: INTEGER_OR_STRING }, x),
    reservations: mapping(
      {
        cpus: NUMBER_OR_STRING,
        memory: STRING,
        generic_resources: listOf(
          mapping({ discrete_resource_spec: mapping({ kind: STRING, value: NUMBER_OR_STRING }, x) }, x),
        ),
        devices: listOf(mapping({ ...DEVICE_REQUEST, 'capabilities*': LIST }, x)),
      },
      x,
    ),
  },
  x,
);

const DEPLOY = either(
  mapping(
    {
      mode: STRING,
      endpoint_mode: STRING,
      replicas: INTEGER_OR_STRING,
      labels: KEY_VALUES,
      rollback_config: UPDATE,
      update_config: UPDATE,
      resources: RESOURCES,
      restart_policy: mapping({ condition: STRING, delay: STRING, max_attempts: INTEGER_OR_STRING, window: STRING }, x),
      placement: mapping(
        {
          constraints: listOf(STRING),
          preferences: listOf(mapping({ spread: STRING }, x)),
          max_replicas_per_node: INTEGER_OR_STRING,
        },
        x,
      ),
    },
    x,
  ),
  NULL,
);

const VOLUME_MOUNT = mapping(
  {
    'type*': oneOf('bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'),
    source: STRING,
    target: STRING,
    read_only: BOOLEAN_OR_STRING,
    consistency: STRING,
    bind: mapping(
      {
        propagation: STRING,
        create_host_path: BOOLEAN_OR_STRING,
        recursive: oneOf('enabled', 'disabled', 'writable', 'readonly'),
        selinux: oneOf('z', 'Z'),
      },
      x,
    ),
    volume: mapping({ labels: KEY_VALUES, nocopy: BOOLEAN_OR_STRING, subpath: STRING }, x),
    tmpfs: mapping({ size: either(between(0), STRING), mode: NUMBER_OR_STRING }, x),
    image: mapping({ subpath: STRING }, x),
  },
  x,
);

const PORT = mapping(
  {
    name: STRING,
    mode: STRING,
    host_ip: STRING,
    target: INTEGER_OR_STRING,
    published: INTEGER_OR_STRING,
    protocol: STRING,
    app_protocol: STRING,
  },
  x,
);

const SERVICE_NETWORK = either(
  mapping(
    {
      aliases: LIST,
      interface_name: STRING,
      ipv4_address: STRING,
      ipv6_address: STRING,
      link_local_ips: LIST,
      mac_address: STRING,
      driver_opts: DRIVER_OPTIONS,
      priority: NUMBER,
      gw_priority: NUMBER,
    },
    x,
  ),
  NULL,
);

const DEPENDENCY = mapping(
  {
    restart: BOOLEAN_OR_STRING,
    required: BOOLEAN,
    'condition*': oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
  },
  x,
);

const BLOCK_LIMITS = listOf(mapping({ path: STRING, rate: INTEGER_OR_STRING }));
const BLOCK_WEIGHTS = listOf(mapping({ path: STRING, weight: INTEGER_OR_STRING }));

const each = <K extends string>(names: string, schema: Schema): Readonly<Record<K, Schema>> =>
  Object.fromEntries(names.split(' ').map((name) => [name, schema])) as Record<K, Schema>;

/** The part of a service that `bake` looks at. */
const BUILT_KEYS = {
  build: BUILD,
  image: STRING,
  environment: KEY_VALUES,
  env_file: either(
    STRING,
    listOf(either(STRING, mapping({ 'path*': STRING, format: STRING, required: BOOLEAN_OR_STRING }))),
  ),
} as const;

const SERVICE = mapping(
  {
    ...BUILT_KEYS,
    ...each(
      'platform cgroup_parent cpuset domainname hostname ipc isolation mac_address network_mode pull_refresh_after restart runtime stop_grace_period stop_signal user userns_mode uts working_dir',
      STRING,
    ),
    ...each('annotations labels sysctls', KEY_VALUES),
    ...each('attach init oom_kill_disable privileged read_only stdin_open tty', BOOLEAN_OR_STRING),
    use_api_socket: BOOLEAN,
    ...each('cap_add cap_drop dns_opt external_links links security_opt volumes_from', setOf(STRING)),
    ...each('device_cgroup_rules profiles', LIST),
    ...each('dns dns_search tmpfs', STRING_OR_LIST),
    ...each('expose group_add', setOf(NUMBER_OR_STRING)),
    cpu_count: either(STRING, between(0)),
    cpu_percent: either(STRING, between(0, 100)),
    ...each(
      'cpu_shares cpu_quota cpu_period cpu_rt_period cpu_rt_runtime cpus mem_limit memswap_limit pids_limit shm_size',
      NUMBER_OR_STRING,
    ),
    ...each('mem_reservation mem_swappiness scale', INTEGER_OR_STRING),
    oom_score_adj: either(STRING, between(-1000, 1000)),
    cgroup: oneOf('host', 'private'),
    pid: STRING_OR_NULL,
    ...each('command entrypoint', COMMAND),
    ...each('configs secrets', REFERENCES),
    container_name: matching(/[a-zA-Z0-9][a-zA-Z0-9_.-]+/),
    pull_policy: matching(/always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+/),
    credential_spec: mapping({ config: STRING, file: STRING, registry: STRING }, x),
    depends_on: either(LIST, mapOf(DEPENDENCY, NAME)),
    devices: listOf(either(STRING, mapping({ 'source*': STRING, target: STRING, permissions: STRING }, x))),
    label_file: either(STRING, listOf(STRING)),
    extends: either(STRING, mapping({ 'service*': STRING, file: STRING })),
    extra_hosts: HOSTS,
    gpus: either(oneOf('all'), listOf(mapping(DEVICE_REQUEST, { open: true }))),
    healthcheck: mapping(
      {
        disable: BOOLEAN_OR_STRING,
        interval: STRING,
        retries: NUMBER_OR_STRING,
        test: either(STRING, listOf(STRING)),
        timeout: STRING,
        start_period: STRING,
        start_interval: STRING,
      },
      x,
    ),
    logging: mapping({ driver: STRING, options: mapOf(either(NUMBER_OR_STRING, NULL), ANY_KEY, { open: true }) }, x),
    models: either(LIST, mapOf(either(mapping({ endpoint_var: STRING, model_var: STRING }, x), NULL), NAME)),
    networks: either(LIST, mapOf(SERVICE_NETWORK, NAME)),
    ports: setOf(either(NUMBER, STRING, PORT)),
    provider: mapping(
      {
        'type*': STRING,
        options: mapOf(either(NUMBER_OR_STRING_OR_BOOLEAN, listOf(NUMBER_OR_STRING_OR_BOOLEAN)), ANY_KEY, {
          open: true,
        }),
      },
      x,
    ),
    ...each('post_start pre_stop', listOf(HOOK)),
    storage_opt: mapping({}, { open: true }),
    ulimits: LIMITS,
    volumes: setOf(either(STRING, VOLUME_MOUNT)),
    blkio_config: mapping({
      ...each('device_read_bps device_read_iops device_write_bps device_write_iops', BLOCK_LIMITS),
      weight: INTEGER_OR_STRING,
      weight_device: BLOCK_WEIGHTS,
    }),
    develop: DEVELOP,
    deploy: DEPLOY,
  },
  x,
);

const EXTERNAL = either(BOOLEAN_OR_STRING, mapping({ name: STRING }));

const SECRET = mapping(
  {
    ...each('name environment file driver template_driver', STRING),
    external: EXTERNAL,
    labels: KEY_VALUES,
    driver_opts: DRIVER_OPTIONS,
  },
  x,
);

const CONFIG = mapping(
  { ...each('name content environment file template_driver', STRING), external: EXTERNAL, labels: KEY_VALUES },
  x,
);

const VOLUME = either(
  mapping({ name: STRING, driver: STRING, driver_opts: DRIVER_OPTIONS, external: EXTERNAL, labels: KEY_VALUES }, x),
  NULL,
);

const NETWORK = either(
  mapping(
    {
      name: STRING,
      driver: STRING,
      driver_opts: DRIVER_OPTIONS,
      ipam: mapping(
        {
          driver: STRING,
          config: listOf(
            mapping({ ...each('subnet ip_range gateway', STRING), aux_addresses: mapOf(STRING, ANY_KEY) }, x),
          ),
          options: mapOf(STRING, ANY_KEY),
        },
        x,
      ),
      external: EXTERNAL,
      ...each('internal attachable enable_ipv4 enable_ipv6', BOOLEAN_OR_STRING),
      labels: KEY_VALUES,
    },
    x,
  ),
  NULL,
);

const MODEL = mapping(
  { name: STRING, 'model*': STRING, context_size: INTEGER, runtime_flags: listOf(STRING) },
  { open: true },
);

/** A whole Compose model, in short or long form. */
export const COMPOSE_SCHEMA: MapSchema = mapping(
  {
    version: STRING,
    name: STRING,
    include: ANYTHING,
    services: mapOf(SERVICE, NAME),
    volumes: mapOf(VOLUME, NAME),
    secrets: mapOf(SECRET, NAME),
    configs: mapOf(CONFIG, NAME),
    networks: mapOf(NETWORK, NAME, { open: true }),
    models: mapOf(MODEL, NAME, { open: true }),
  },
  x,
);

/** What `bake` looks at. It also takes a number for `provenance` and `sbom`. */
export const BAKE_SCHEMA: MapSchema = mapping({
  services: mapOf(
    mapping({
      ...BUILT_KEYS,
      build: either(
        STRING,
        mapping({ ...BUILD_KEYS, provenance: NUMBER_OR_STRING_OR_BOOLEAN, sbom: NUMBER_OR_STRING_OR_BOOLEAN }, x),
      ),
    }),
    NAME,
  ),
  secrets: mapOf(SECRET, NAME),
});
