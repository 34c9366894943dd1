// Written from api/v1 by "go test ./console -update". Do not edit.
// A list or map that Go may leave nil is null here.

export type Kind = "Service" | "Instance" | "Route" | "Migration"

export interface Meta {
  /** Unique within the kind. */
  name: string
  /** Free labels for people and tools. */
  labels?: Record<string, string>
  /** Rises by one with each change of the spec; set by the server. */
  generation?: number
  /** Store revision of the last change; set by the server. When given with a write, the write happens only if it still holds. */
  revision?: number
  /** When the object was first applied; set by the server. */
  created?: string
  /** When spec or status last changed; set by the server. */
  updated?: string
}

export interface HealthCheck {
  /** HTTP: GET path must answer 200-399. TCP: a connection must open. */
  type: "HTTP" | "TCP"
  /** Path of an HTTP check; default /healthz. */
  path?: string
  /** Time between checks; default 2s. */
  interval?: string
  /** Limit of one check; default 1s. */
  timeout?: string
  /** Successes in a row that make an instance healthy; default 1. */
  healthyThreshold?: number
  /** Failures in a row that make it unhealthy; default 3. */
  unhealthyThreshold?: number
}

export interface Protection {
  /** Turn the protection off. */
  disabled?: boolean
  /** Share of instances, in percent, that must stay usable; default 20. */
  thresholdPercent?: number
}

export interface Outlier {
  /** Turn ejection off. */
  disabled?: boolean
  /** Failures in a row that eject; default 5. */
  consecutiveFailures?: number
  /** Time of the first ejection, doubled with each further one, at most 5m; default 5s. */
  baseEjection?: string
  /** At most this share of a subset is ejected at once; default 50. */
  maxEjectedPercent?: number
}

export interface BreakerSpec {
  /** Turn the breaker off. */
  disabled?: boolean
  /** Share of failures in the window that opens it; default 50. */
  failurePercent?: number
  /** Requests in the window before it may open; default 20. */
  minRequests?: number
  /** Default 10s. */
  window?: string
  /** Time until a trial request; default 5s. */
  open?: string
}

export interface ServiceSpec {
  /** One line for people. */
  description?: string
  /** Team or person to ask. */
  owner?: string
  /** Active check of every instance; none when absent. */
  healthCheck?: HealthCheck
  /** Push-empty protection; on with its defaults when absent. */
  protection?: Protection
  /** Passive ejection of failing instances; on with its defaults when absent. */
  outlier?: Outlier
  /** Circuit breaker of each subset; none when absent. While it is open, requests are answered 503 at once. The new side of a migration has the migration's. */
  breaker?: BreakerSpec
  /** Limit of one connection attempt; default 1s. */
  connectTimeout?: string
  /** Connections to one instance at most; default 1024. */
  maxConnections?: number
}

export interface ServiceStatus {
  /** Instances known. */
  instances: number
  /** Instances that get traffic. */
  usable: number
  /** Push-empty protection is holding lost instances. */
  protected?: boolean
}

export interface Service {
  /** Version of the object's shape. */
  apiVersion: "jindu.dev/v1"
  /** Type of the object. */
  kind: Kind
  metadata: Meta
  spec: ServiceSpec
  status?: ServiceStatus
}

export interface InstanceSpec {
  /** Name of the service. */
  service: string
  /** IPv4 or IPv6 address. */
  ip: string
  /** TCP port. */
  port: number
  /** Share of the subset's traffic relative to the others; default 100, 0 gets none. */
  weight?: number
  /** Facts that selectors match: runtime (go1.26, java17), version, arch, gray-tag, cluster, shadow-safe (true: unsafe methods may be mirrored here). */
  metadata?: Record<string, string>
  /** Lease: gone without a heartbeat for this long. Empty: a fixed instance, kept until deleted. */
  ttl?: string
  /** Gets no new traffic; requests in flight finish. */
  draining?: boolean
}

export type State = "serving" | "draining" | "gone"

export interface InstanceStatus {
  /** Where the instance stands in its life. */
  state: State
  /** What active checks say; true where there are none. */
  healthy: boolean
  /** Why it is unhealthy or gone. */
  reason?: string
  /** Last heartbeat of a leased instance. */
  lastHeartbeat?: string
  /** Passively ejected by the gateway now. */
  ejected?: boolean
}

export interface Instance {
  /** Version of the object's shape. */
  apiVersion: "jindu.dev/v1"
  /** Type of the object. */
  kind: Kind
  metadata: Meta
  spec: InstanceSpec
  status?: InstanceStatus
}

export interface ValueSource {
  /** Name of a request header. */
  header?: string
  /** Name of a cookie. */
  cookie?: string
  /** Name of a query parameter. */
  query?: string
  /** Claim of the bearer token in Authorization. It is read, not verified: a cohort is no permission. */
  jwtClaim?: string
  /** Address of the client, after trusted proxies. */
  clientIP?: boolean
}

export interface SourceTag {
  /** Name of the tag. */
  name: string
  /** Where its value is read. */
  from: ValueSource
}

export interface PathMatch {
  /** Default PathPrefix, by whole segments. Template: /orders/{id}, a part in braces is one segment. RegularExpression: RE2, anchored at both ends. */
  type?: "Exact" | "PathPrefix" | "Template" | "RegularExpression"
  /** Begins with / unless a regular expression. */
  value: string
}

export interface ValueMatch {
  /** Default Exact. RegularExpression: RE2, anchored at both ends. */
  type?: "Exact" | "RegularExpression"
  /** Name of the header (any case), parameter or cookie. */
  name: string
  /** What it must be. */
  value: string
}

export interface RouteMatch {
  /** Default: prefix /. */
  path?: PathMatch
  /** Request method, in capitals. */
  method?: string
  /** Request headers; all must match. */
  headers?: ValueMatch[]
  /** Query parameters; all must match. */
  queryParams?: ValueMatch[]
  /** Cookies; all must match. */
  cookies?: ValueMatch[]
  /** Source tags and the values they must have; a trailing * matches by prefix. */
  source?: Record<string, string>
}

export interface Header {
  /** Field name. */
  name: string
  /** Field value. */
  value: string
}

export interface HeaderModifier {
  /** Replace or create. */
  set?: Header[]
  /** Append. */
  add?: Header[]
  /** Delete by name. */
  remove?: string[]
}

export interface PathModifier {
  /** ReplacePrefixMatch needs a rule whose matches are all PathPrefix. */
  type: "ReplaceFullPath" | "ReplacePrefixMatch"
  /** The new path or prefix. */
  value: string
}

export interface Redirect {
  /** Default: the request's. */
  scheme?: "http" | "https"
  /** Default: the request's. */
  hostname?: string
  /** Default: the request's. */
  path?: PathModifier
  /** Default: that of the scheme. */
  port?: number
  /** Default 302. */
  statusCode?: number
}

export interface Rewrite {
  /** New Host. */
  hostname?: string
  /** New path. */
  path?: PathModifier
}

export interface BackendTarget {
  /** Name of the service. */
  service: string
  /** Subset of its instances. Without one the whole service is meant, and a Migration of it decides. */
  subset?: Record<string, string>
}

export interface MirrorFilter {
  /** Where the copy goes. */
  backendRef: BackendTarget
  /** Share of requests that are copied; default 100. */
  percent?: number
}

export interface RouteFilter {
  /** Which filter this is. */
  type: "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestRedirect" | "URLRewrite" | "RequestMirror"
  /** Changes request headers. */
  requestHeaderModifier?: HeaderModifier
  /** Changes response headers. */
  responseHeaderModifier?: HeaderModifier
  /** Answers with a redirect. */
  requestRedirect?: Redirect
  /** Changes host or path before forwarding. */
  urlRewrite?: Rewrite
  /** Sends a copy elsewhere and throws the answer away. */
  requestMirror?: MirrorFilter
}

export interface BackendRef {
  /** Name of the service. */
  service: string
  /** Subset of its instances. Without one the whole service is meant, and a Migration of it decides. */
  subset?: Record<string, string>
  /** Share relative to the other backends; default 1. */
  weight?: number
}

export interface Timeouts {
  /** Whole exchange, retries and fallback included; default 60s, 0s for none. */
  request?: string
  /** One try; default 30s, 0s for none. */
  backendRequest?: string
}

export interface Retry {
  /** Tries beyond the first; default 1, 0 for none. */
  attempts?: number
  /** Statuses of idempotent requests worth a retry; none by default. */
  codes?: number[]
  /** Wait before a retry, with jitter; default 10ms. */
  backoff?: string
  /** Retries at most this share of requests, beside 10 a second; default 20. */
  budgetPercent?: number
}

export interface Stickiness {
  /** Where the subject is read; the first that is present counts. */
  subject: ValueSource[] | null
  /** Changes which subjects fall into which bucket; default the route's name. */
  salt?: string
}

export interface RouteRule {
  /** Name for people, metrics and logs; default its index. */
  name?: string
  /** The rule holds when any of them holds; every request when absent. */
  matches?: RouteMatch[]
  /** What to change, in order. */
  filters?: RouteFilter[]
  /** Where to send; one is chosen by weight. */
  backendRefs?: BackendRef[]
  /** Limits of time; defaults of the node when absent. */
  timeouts?: Timeouts
  /** Retries within the subset; defaults of the node when absent. */
  retry?: Retry
  /** Keeps a subject on one backend under weights; random per request when absent. */
  stickiness?: Stickiness
}

export interface RouteSpec {
  /** Hosts this route serves; *.example.com covers subdomains; every host when absent. */
  hostnames?: string[]
  /** How the tags that source matches name are read from a request. */
  sourceTags?: SourceTag[]
  /** What to match and what to do. */
  rules: RouteRule[] | null
}

export interface RouteStatus {
  /** The route is in the gateway's table. */
  accepted: boolean
  /** Store revision of the table that holds it. */
  revision?: number
  /** What will not work as written, such as a service without usable instances. */
  warnings?: string[]
}

export interface Route {
  /** Version of the object's shape. */
  apiVersion: "jindu.dev/v1"
  /** Type of the object. */
  kind: Kind
  metadata: Meta
  spec: RouteSpec
  status?: RouteStatus
}

export interface MirrorSpec {
  /** Share of comparable requests that are mirrored; default 100. */
  percent?: number
  /** Share of mirrored requests that also ask the side that answered first a second time, to learn noise; default 20. */
  triplesPercent?: number
  /** Copies under way at most; default 64. */
  maxInFlight?: number
  /** Bytes of recordings that wait or run at most; default 64 MiB. */
  maxBytes?: number
  /** A request or answer body over this is not recorded; default 1 MiB. */
  maxBodyBytes?: number
  /** Limit of one copy; default 5s. */
  timeout?: string
  /** Copies a second at most; beyond it requests are not sampled, which is no drop; default 1000. */
  maxRatePerSecond?: number
}

export interface IgnoreRule {
  /** Endpoint template such as GET /orders/{id}; every endpoint when absent. */
  endpoint?: string
  /** Field path such as $.items[].price, status, or header:Content-Type. */
  path: string
  /** Who answers for it. */
  owner: string
  /** After this moment the difference counts again. */
  expires: string
  /** Why it is acceptable. */
  reason: string
}

export interface CompareSpec {
  /** Response headers that matter; default Content-Type, Location, Set-Cookie (names and flags), Cache-Control, ETag presence. */
  headers?: string[]
  /** Old/new equivalence rules by name, on or off; see docs for the names and their defaults. */
  rules?: Record<string, boolean>
  /** By field path, the names of an enum in the order of their ordinals. */
  enums?: Record<string, string[]>
  /** Differences that are accepted, each with an owner and an expiry. */
  ignore?: IgnoreRule[]
  /** Field paths whose values may be shown; all others are masked in API, console and dossier. */
  unmask?: string[]
}

export interface GatesSpec {
  /** Chance of a false alarm over the whole migration; default 0.01. */
  alpha?: number
  /** Comparable clusters an endpoint needs before mismatch can pass; default 300. */
  minSamples?: number
  /** Mismatch passes when its smallest detectable difference is at or below this, in percent; default 1. */
  maxMismatchPercent?: number
  /** Requests of the new cohort a step needs for error rate and latency; default 1000. */
  minRequests?: number
  /** Error rate of the new cohort above the old one, in percentage points, that still passes; default 0.5. */
  maxErrorExcessPercent?: number
  /** A new answer is slow when it takes longer than factor x old p99 + slack; default 1.25. */
  latencyFactor?: number
  /** Default 5ms. */
  latencySlack?: string
  /** Upper bound of the share of slow answers that still passes, in percent; default 3. */
  maxSlowPercent?: number
  /** Mirror copies dropped, in percent; default 0.1. */
  maxMirrorDropsPercent?: number
  /** Least time in the mirror phase; default 10m. */
  mirrorTime?: string
  /** Least time at each step; default 10m. */
  stepTime?: string
  /** Least time at 100 % before done; default 1h. */
  holdTime?: string
}

export interface FallbackSpec {
  /** Turn fallback off. */
  disabled?: boolean
  /** Fallbacks at most this share of the new cohort's requests, beside 20 a second; default 20. */
  budgetPercent?: number
}

export interface ApprovalSpec {
  /** A promotion by hand needs a second person. */
  promote?: boolean
  /** Closing a rollback (resume after it) needs a second person. */
  resume?: boolean
}

export interface EffectsSpec {
  /** Captures that must have told all of a run of the old side before it is compared: report (sdk/effects or the Java agent), proxy:NAME and database:NAME, as the node's configuration names them. */
  old?: string[]
  /** The same of the new side. */
  new?: string[]
  /** How long after the answers the captures may take; what is late then is not compared and counted; default 2s. */
  settle?: string
  /** Names of the old side's tables, key prefixes, topics and call targets that the new side calls otherwise, old: new. */
  names?: Record<string, string>
}

export interface DataSide {
  /** Name of a database in the node's configuration, data.databases. */
  database: string
  /** binlog: MariaDB or MySQL, row format. pgoutput: PostgreSQL logical decoding. outbox: the service writes a row of table jindu_outbox in its own transaction. */
  capture: "binlog" | "pgoutput" | "outbox"
}

export interface ColumnRule {
  /** Columns of the old side; none with default: the new side alone has it. */
  from?: string[]
  /** Columns of the new side; none: the same as skip. */
  to?: string[]
  /** Separator: one text column becomes several by it and back. */
  split?: string
  /** Number of the new side = number of the old side x 10^scale: 2 turns an amount into cents. */
  scale?: number
  /** The old side keeps a time without zone in this one, such as Asia/Shanghai; the new side keeps the instant. */
  zone?: string
  /** Values of the old side and what the new side writes for them; both must be unique, so that the way back exists. */
  values?: Record<string, string>
  /** empty: NULL of the one side is the empty text of the other. */
  null?: "empty"
  /** Value of a column that only the new side has. */
  default?: string
  /** Read the old value as this before writing it: integer to boolean, text to decimal. */
  type?: "text" | "integer" | "decimal" | "boolean" | "time"
}

export interface TableRule {
  /** Table on the old side. */
  name: string
  /** Table on the new side; default the same. */
  to?: string
  /** Column of the old side that rises with every change of a row, on either side. Without it Jindu keeps versions in a table of its own, jindu_version. */
  version?: string
  /** Column that says which side owns the row: old or new. Without it the side that may write it is that of its request. */
  owner?: string
  /** Columns that differ between the sides; all others are carried as they are. */
  columns?: ColumnRule[]
  /** Columns of the old side that are not carried nor compared. */
  skip?: string[]
  /** Columns of money or stock: a difference in one opens a case and is never repaired without a person. */
  money?: string[]
  /** Changes must arrive within spec.data.strong, else the alarm. */
  strong?: boolean
  /** Column with the time of a row's last change, indexed; rolling windows compare by it. Without it the table is compared in full only. */
  settled?: string
}

export interface OwnerRule {
  /** Path template with {id}, such as /orders/{id}/cancel or /callbacks/{id}. A trailing /* fits the path itself and everything below. */
  path: string
  /** Request method, in capitals; any when absent. */
  method?: string
  /** Where the id is when it is not in the path. */
  id?: ValueSource
  /** RE2, anchored at both ends: ids that the new side created. All others are the old side's. */
  new: string
}

export interface DataSpec {
  /** Database of the old side. */
  old: DataSide
  /** Database of the new side. */
  new: DataSide
  /** What is carried; parents before children. */
  tables: TableRule[] | null
  /** How a request about an entity tells which side created it; such a request goes to that side whatever its subject's share, until the entity is handed over. */
  owners?: OwnerRule[]
  /** Which side's row a repair copies: old, new, or the side that owns the row; without it nothing can be repaired. */
  winner?: "old" | "new" | "owner"
  /** Convergence, commit to applied, that still lets users move; default 1s. */
  maxLag?: string
  /** Alarm for tables declared strong; default 100ms. */
  strong?: string
  /** How long a difference must last before it is called one; default 2s. */
  grace?: string
  /** Time between the rolling windows; default 10s. */
  every?: string
  /** How long a change of share waits for the losing side's changes to arrive on the other; default 2s. */
  drain?: string
  /** In the mirror phase changes of the old side are applied this long after their commit, so that copies of a request find the rows as the request found them; default 250ms with spec.effects, else 0s. */
  mirrorDelay?: string
  /** Backfill and full comparison read at most this many rows a second; default 50,000. */
  maxRowsPerSecond?: number
  /** Rows of one read of a backfill; default 1000. */
  chunkRows?: number
}

export interface MigrationSpec {
  /** Name of the service. */
  service: string
  /** The old subset, such as {runtime: java17}. */
  from: Record<string, string> | null
  /** The new subset, such as {runtime: go1.26}. No instance may be in both. */
  to: Record<string, string> | null
  /** Shares of subjects on the new side, in percent, rising, the last 100; default 1, 5, 25, 50, 100. */
  steps?: number[]
  /** Where the subject is read; the first that is present counts; without one a request stays on the old side. Default: header X-User-Id, then cookie uid. */
  subject?: ValueSource[]
  /** Changes which subjects move first; default the migration's name. It cannot change once the ramp began. */
  salt?: string
  /** Stay in the observe phase: compare what an existing proxy copies to the observe listener, move nobody. */
  observe?: boolean
  /** Keep the share, decide nothing but a rollback. */
  paused?: boolean
  /** How requests are copied to the side that did not answer. */
  mirror?: MirrorSpec
  /** What counts as a difference. */
  compare?: CompareSpec
  /** What the evidence must show before users move. */
  gates?: GatesSpec
  /** Return of single requests to the old side. */
  fallback?: FallbackSpec
  /** Circuit breaker of the new side. */
  breaker?: BreakerSpec
  /** Which commands need a second person. */
  approval?: ApprovalSpec
  /** What requests do is compared beside what they answer; without captures only answers are. */
  effects?: EffectsSpec
  /** Rows that are carried across and kept in step; without it no row is touched. */
  data?: DataSpec
}

export type Phase = "observe" | "mirror" | "ramp" | "hold" | "done" | "rolled_back"

export type Verdict = "pass" | "fail" | "not_enough"

export interface Gate {
  /** Which condition. */
  name: "mismatch" | "errors" | "latency" | "mirror_drops" | "effects" | "data_lag" | "data_differences"
  /** What it says. */
  verdict: Verdict
  /** Which old cohort it was compared with. */
  baseline?: "concurrent" | "frozen"
  /** One sentence with the numbers. */
  detail: string
  /** What was measured: percent. */
  value: number
  /** What it was held against: percent. */
  bound: number
  /** How many observations. */
  samples: number
}

export interface Baseline {
  /** Step at which it was taken. */
  step: number
  /** When. */
  taken: string
  /** Requests of the old cohort. */
  requests: number
  /** Failures among them. */
  failures: number
  /** 99th percentile of its latency, in microseconds. */
  p99Micros: number
}

export interface DifferenceRef {
  /** Endpoint template, such as GET /orders/{id}. */
  endpoint: string
  /** Field path, status, or header:Name. */
  path: string
}

export interface PendingCommand {
  /** What was asked for. */
  command: "promote" | "resume"
  /** Who asked. */
  by: string
  /** When; it lapses after an hour. */
  at: string
}

export interface Transition {
  /** When. */
  at: string
  /** controller, data path, or who commanded it. */
  by: string
  /** Phase after it. */
  phase: Phase
  /** Step after it. */
  step: number
  /** Share after it, in ten-thousandths. */
  buckets: number
  /** Why. */
  reason: string
  /** Of the gates. */
  verdict?: Verdict
  /** The gates that decided. */
  gates?: Gate[]
}

export interface MigrationStatus {
  /** Where the migration stands. */
  phase?: Phase
  /** Index into spec.steps during ramp; -1 before it. */
  step: number
  /** Share on the new side in ten-thousandths: a subject whose bucket is below it is on the new side. */
  buckets: number
  /** Rises with every change of buckets. */
  epoch: number
  /** When the current phase or step began. */
  since?: string
  /** The data path set the share to 0 by itself because the controller was silent; resume re-arms it. */
  latched?: boolean
  /** Why the last transition happened. */
  reason?: string
  /** What keeps the migration from going on now. */
  blocked?: string
  /** Of all gates together at the last transition. */
  verdict?: Verdict
  /** The gates as they stood at the last transition; live ones are in the evidence. */
  gates?: Gate[]
  /** Old cohort of the last step at which it was large enough. */
  baseline?: Baseline
  /** What differed first, when the mismatch gate failed. */
  firstDifference?: DifferenceRef
  /** A command that waits for a second person. */
  pending?: PendingCommand
  /** The last 64 transitions, oldest first. */
  history?: Transition[]
  /** The pair of versions that the evidence is about; a new version on either side starts it anew. */
  versions?: string
  /** Who owns entities where spec.data.owners tells them: empty or creator: the side that created each; old or new: that side, all were handed over to it. */
  owner?: "creator" | "old" | "new"
}

export interface Migration {
  /** Version of the object's shape. */
  apiVersion: "jindu.dev/v1"
  /** Type of the object. */
  kind: Kind
  metadata: Meta
  spec: MigrationSpec
  status?: MigrationStatus
}

export interface SubsetTraffic {
  /** Name of the service. */
  service: string
  /** Selector in words, such as runtime=java17; * for the whole service. */
  subset: string
  /** Requests a second. */
  rate: number
  /** Failures a second. */
  errors: number
  /** Median latency in microseconds. */
  p50Micros: number
  /** 99th percentile of latency in microseconds. */
  p99Micros: number
}

export interface Overview {
  /** End of the interval. */
  at: string
  /** Length of the interval. */
  seconds: number
  /** Requests a second. */
  rate: number
  /** Answers 5xx or none, a second. */
  errors: number
  /** Requests under way. */
  inFlight: number
  /** Client connections open. */
  connections: number
  /** By service and subset, by rate. */
  subsets: SubsetTraffic[] | null
}

export interface EstateRow {
  /** Name of the service. */
  service: string
  /** Who to ask. */
  owner?: string
  /** Instances by runtime. */
  runtimes: Record<string, number> | null
  /** Instances that get traffic. */
  usable: number
  /** Requests a second. */
  rate: number
  /** Measured share of calls answered by the new side, in percent. */
  newShare: number
  /** Name of its migration. */
  migration?: string
  /** Phase of its migration. */
  phase?: Phase
  /** Share of subjects on the new side, in percent. */
  share: number
  /** What keeps it from going on. */
  blocked?: string
}

export interface CohortTraffic {
  /** Requests assigned. */
  requests: number
  /** Answered 5xx, not at all, or by fallback. */
  failures: number
  /** Answered by the other side. */
  fallbacks: number
  /** Median latency in microseconds. */
  p50Micros: number
  /** 99th percentile of latency in microseconds. */
  p99Micros: number
}

export interface MirrorCounts {
  /** Recordings offered for mirroring. */
  offered: number
  /** Pairs and triples compared. */
  compared: number
  /** Compared with a control: a second answer of the side that answered first. */
  triples: number
  /** Left out by percent or rate; no drop. */
  notSampled: number
  /** By reason: unsafe_method, state_differs, truncated, shadow_header, upgraded, effects_late, effects_lost, effects_refused. */
  notComparable: Record<string, number> | null
  /** By reason: queue_full, bytes_full, timeout, failed, shutdown. */
  dropped: Record<string, number> | null
}

export type NoiseClass = "unknown" | "deterministic" | "time_like" | "id_like" | "order_free" | "tolerance"

export interface Sample {
  /** When. */
  at: string
  /** Value of the old side. */
  old: string
  /** Value of the new side. */
  new: string
  /** Trace id of the request. */
  trace?: string
}

export interface PathEvidence {
  /** Field path such as $.items[].price, status, body, or header:Name. */
  path: string
  /** How it behaves between two old answers. */
  class: NoiseClass
  /** Of this path. */
  verdict: Verdict
  /** Clusters that showed the path. */
  clusters: number
  /** b: old = old, new differs (clusters). */
  evidence: number
  /** c: old differs from old, new = old (clusters). */
  counter: number
  /** Old differs from old. */
  noise: number
  /** Different subjects among the evidence. */
  subjects: number
  /** One-sided exact test, after Holm's correction. */
  pValue: number
  /** What this look may spend. */
  alpha: number
  /** When it differed first. */
  firstSeen?: string
  /** Owner and expiry of the ignore rule that covers it. */
  ignored?: string
  /** Up to five differing values, masked. */
  samples: Sample[] | null
}

export interface EndpointEvidence {
  /** Method and path template. */
  endpoint: string
  /** Of this endpoint. */
  verdict: Verdict
  /** Answers compared. */
  pairs: number
  /** Different (subject, endpoint) among them: the n of the test. */
  clusters: number
  /** Those with a control: a second answer of the side that answered first. */
  triples: number
  /** Seen but not comparable. */
  notComparable: number
  /** Clusters with a difference that counts. */
  mismatches: number
  /** Mismatches per cluster. */
  rate: number
  /** Wilson interval 95 %, lower end; for display. */
  low: number
  /** Wilson interval 95 %, upper end; for display. */
  high: number
  /** Smallest difference rate that n would have shown. */
  detectable: number
  /** Places where the sides had found other data before they changed it, so that what they wrote does not compare. */
  stateDiffers?: number
  /** Paths that differed or are noisy, the worst first. */
  paths: PathEvidence[] | null
  /** Paths beyond the bound that are not tracked. */
  omittedPaths: number
}

export interface Evidence {
  /** Name of the migration. */
  migration: string
  /** Pair of versions that it is about, old → new. */
  versions: string
  /** When collecting began. */
  since: string
  /** The gates as they stand now. */
  gates: Gate[] | null
  /** All gates together. */
  verdict: Verdict
  /** Traffic of the old cohort in this phase or step. */
  old: CohortTraffic
  /** Traffic of the new cohort in this phase or step. */
  new: CohortTraffic
  /** What became of the copies. */
  mirror: MirrorCounts
  /** By endpoint template, the worst first. */
  endpoints: EndpointEvidence[] | null
}

export interface AuditRecord {
  /** Store revision of the change; unique, rising. */
  revision: number
  /** When, by the node's clock. */
  at: string
  /** Principal, or controller:<part>. */
  by: string
  /** What happened; command: something was done that changed nothing of the object, such as a repair of its rows. */
  action: "create" | "update" | "delete" | "transition" | "command"
  /** Of the object. */
  kind: Kind
  /** Of the object. */
  name: string
  /** Spec (or status, for a transition) before; absent for create. */
  before?: unknown
  /** Spec (or status) after, or what was done; absent for delete. */
  after?: unknown
}

export interface AuditPage {
  /** Records, newest first. */
  items: AuditRecord[] | null
  /** Pass as before to get the next page; absent at the end. */
  next?: number
  /** Oldest records let go so far, because the log is bounded. */
  trimmed: number
}

export interface WatchEvent {
  /** What happened. */
  type: "put" | "delete"
  /** Of the object. */
  kind: Kind
  /** Of the object. */
  name: string
  /** Store revision of the change. */
  revision: number
  /** The object after a put. */
  object?: unknown
}

export interface EffectCounts {
  /** Runs whose effects were asked for. */
  runs: number
  /** Runs of which every capture told all. */
  complete: number
  /** Runs of which a capture had not told all in time: not compared. */
  late: number
  /** Writes without a mark, by capture: they belong to no request that Jindu knows. */
  unattributed: Record<string, number> | null
  /** Writes of shadows that were not let out, by capture. */
  refused: Record<string, number> | null
  /** Effects dropped, by reason: runs, effects, bytes, reporter. */
  dropped: Record<string, number> | null
}

export type EffectKind = "row" | "sql" | "redis" | "message" | "call"

export interface ColumnValue {
  /** Column. */
  name: string
  /** Canonical text; null is SQL's NULL. */
  value: string | null
}

export interface Effect {
  /** What sort of thing. */
  kind: EffectKind
  /** insert, update, delete; the Redis command in capitals; send; the method of a call. */
  op: string
  /** Table, Redis key, topic, or host and path of a call. */
  target: string
  /** Primary key of a row; before the change. */
  key?: ColumnValue[]
  /** The row before; of an update, the columns that changed. */
  before?: ColumnValue[]
  /** The row after; of an update, the columns that changed. */
  after?: ColumnValue[]
  /** Arguments of a statement or a Redis operation, as text. */
  args?: string[]
  /** The statement, without its mark; only where the rows are not known. */
  text?: string
  /** Body of a message or call; base64 when it is no UTF-8. */
  body?: string
  /** The body is base64. */
  base64?: boolean
  /** Rows that a statement changed. */
  rows?: number
  /** Status that a call was answered with. */
  status?: number
  /** Body that a call was answered with; base64 like the body. */
  answer?: string
  /** What became of it: empty: it happened; rolled_back: recorded and undone; shadowed: it went to a shadow table, prefix or topic; refused: it was not let out; unknown: the connection was lost before the outcome was. */
  fate?: "rolled_back" | "shadowed" | "refused" | "unknown"
  /** Something of it was over a bound and is missing. */
  truncated?: boolean
}

export interface RunEffectsView {
  /** When the request began. */
  at: string
  /** Endpoint template. */
  endpoint: string
  /** Trace id. */
  trace?: string
  /** Field paths that differ. */
  paths: string[] | null
  /** What the old side did; values are masked unless spec.compare.unmask lists their path. */
  old: Effect[] | null
  /** What the new side did. */
  new: Effect[] | null
}

export interface EffectsView {
  /** What became of effects. */
  counts: EffectCounts
  /** The latest pairs whose effects differ, newest first, at most 100. */
  pairs: RunEffectsView[] | null
}

export interface RelayStatus {
  /** Side whose changes are carried. */
  from: "old" | "new"
  /** How they are captured. */
  capture: string
  /** lost: the log that was needed is gone, a full comparison must find what differs. */
  state: "off" | "starting" | "running" | "stalled" | "lost"
  /** Place in the log up to which everything is applied. */
  position: string
  /** Everything committed before it is applied. */
  watermark?: string
  /** Row changes applied. */
  changes: number
  /** Changes passed over because the row was newer already. */
  stale: number
  /** Changes passed over because Jindu itself had written them. */
  origin: number
  /** Changes that could not be applied, and those of the same rows behind them. */
  parked: number
  /** Median of convergence, commit to applied, in microseconds. */
  p50Micros: number
  /** 99th percentile of it. */
  p99Micros: number
  /** Largest of the last minute. */
  maxMicros: number
  /** Changes of strong tables that came too late. */
  alarms: number
  /** Why it does not run, and what to do. */
  problem?: string
}

export interface TableStatus {
  /** Name on the old side. */
  table: string
  /** Name on the new side. */
  to: string
  /** Where the copy of what was there before stands. */
  backfill: "waiting" | "running" | "done" | "failed"
  /** Rows that the backfill read. */
  copied: number
  /** Rows of the old side at the last full comparison; -1 before one. */
  oldRows: number
  /** Rows of the new side at the last full comparison; -1 before one. */
  newRows: number
  /** Rows known to differ now, after the grace. */
  differ: number
  /** Rows repaired. */
  repaired: number
  /** When the last full comparison ended. */
  compared?: string
  /** What is wrong, and what to do. */
  problem?: string
}

export interface FenceStatus {
  /** Epoch that began with it. */
  epoch: number
  /** Side that may no longer write for these subjects. */
  from: "old" | "new"
  /** First bucket that moved. */
  low: number
  /** Bucket behind the last one that moved; 10001 includes requests without a subject. */
  high: number
  /** When. */
  at: string
  /** Every change of the losing side had arrived before the share changed. */
  drained: boolean
  /** Changes that had not, when the time was up. */
  pending?: number
}

export interface WindowResult {
  /** Table of the old side. */
  table: string
  /** Begin. */
  from: string
  /** End, below the watermark of both relays. */
  until: string
  /** Rows of the old side in it. */
  rows: number
  /** Rows that differ, after the grace. */
  differ: number
  /** Rows that differed at first and no longer did after the grace. */
  settled: number
}

export interface DataStatus {
  /** Name of the migration. */
  migration: string
  /** Who owns entities: the side that created each, or one side after all were handed over. */
  owner: "creator" | "old" | "new"
  /** Whether a rollback still finds its data: open while the reverse relay keeps the old side current. */
  window: "closed" | "open"
  /** Old to new, and back. */
  relays: RelayStatus[] | null
  /** By table of the old side. */
  tables: TableStatus[] | null
  /** Open cases. */
  cases: number
  /** Changes that could not be applied and wait for a person. */
  parked: number
  /** What keeps data from crossing, and what to do. */
  problem?: string
  /** What data says to a promotion. */
  gates: Gate[] | null
  /** Shares that moved, newest first. */
  fences?: FenceStatus[]
  /** The last rolling windows, newest first. */
  windows: WindowResult[] | null
}

export interface RowDifference {
  /** Table of the old side. */
  table: string
  /** Primary key, as the old side writes it. */
  key: ColumnValue[] | null
  /** On which side it is missing, or that it differs. */
  kind: "missing_old" | "missing_new" | "differs"
  /** Columns that differ. */
  columns?: string[]
  /** Row of the old side, carried into the new side's form; masked unless unmasked. */
  old?: ColumnValue[]
  /** Row of the new side. */
  new?: ColumnValue[]
  /** When it was first seen. */
  since: string
  /** The case it belongs to. */
  case?: string
}

export interface DiffResult {
  /** Rows compared, by table of the old side. */
  rows: Record<string, number> | null
  /** At most 1,000. */
  differences: RowDifference[] | null
  /** Differences beyond those shown. */
  more?: number
  /** How long it took. */
  seconds: number
}

export interface RepairResult {
  /** Of the repair, for undo; empty of a dry run. */
  id: string
  /** Whose rows were copied. */
  winner: string
  /** Rows written, at most 1,000. */
  rows: RowDifference[] | null
  /** How many rows were written, or would be. */
  written: number
  /** Rows that changed since they were compared, or differ no more. */
  skipped: number
  /** Rows that need a person: money or stock. */
  cases: number
  /** Nothing was written. */
  dryRun: boolean
}

export interface CaseChange {
  /** Where it was committed. */
  side: "old" | "new"
  /** Commit time. */
  at: string
  /** What was done. */
  op: "insert" | "update" | "delete"
  /** Run of the request that did it, when its mark is known. */
  run?: string
  /** Place in the log. */
  position: string
  /** The row after it. */
  after?: ColumnValue[]
}

export interface Case {
  /** Of the case. */
  id: string
  /** When. */
  opened: string
  /** When it was settled. */
  closed?: string
  /** Who settled it. */
  by?: string
  /** Whose row was taken; both: it stays as it is; equal: the sides came to agree by themselves. */
  decision?: "old" | "new" | "both" | "equal"
  /** Why. */
  reason?: string
  /** The row. */
  difference: RowDifference
  /** What both sides did to the row, as captured, oldest first. */
  history: CaseChange[] | null
}

export interface ParkedChange {
  /** Of the change, for retry and skip. */
  id: string
  /** Side it was captured on. */
  from: "old" | "new"
  /** Table of the old side. */
  table: string
  /** Primary key. */
  key: ColumnValue[] | null
  /** Place in the log. */
  position: string
  /** Commit time. */
  at: string
  /** What was done. */
  op: "insert" | "update" | "delete"
  /** Why it could not be applied. */
  error: string
  /** Later changes of the same row that wait behind it. */
  behind: number
}

export type Role = "viewer" | "operator" | "approver" | "admin" | "register"

export interface Identity {
  /** Principal: the name of the token, or local. */
  name: string
  /** What it may do. */
  role: Role
  /** Services a register token is for. */
  services?: string[]
  /** Who a local caller says it is. It is shown in audit and never counts as another person. */
  actor?: string
}

export interface Node {
  /** Version of the binary. */
  version: string
  /** Go version it was built with. */
  go: string
  /** Operating system. */
  os: string
  /** Architecture. */
  arch: string
  /** When the process started. */
  started: string
  /** Whether it takes traffic. */
  ready: boolean
  /** Address of the gateway's listener. */
  gateway: string
  /** Revision of the store. */
  revision: number
  /** Revision of the route table in force. */
  applied: number
}

export interface FieldError {
  /** Path of the field, such as spec.rules[0].backendRefs. */
  field: string
  /** What was given. */
  value?: string
  /** What is wrong with it and what to do. */
  detail: string
}

export interface Problem {
  /** HTTP status. */
  status: number
  /** Kind of the error. */
  title: string
  /** Stable code, listed in api/errors.md. */
  code: string
  /** What is wrong and what to do. */
  detail: string
  /** Each wrong field. */
  errors?: FieldError[]
}

export interface Command {
  /** Why; kept in history and audit. */
  reason?: string
}
