//! Every setting. The comments are the documentation: `example.toml` and these structs both show
//! them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::{DatabaseUrl, Origin, without_password};
use crate::kind::Count;
use crate::schema::settings;
use crate::secret::Secret;
use crate::units::{Size, Span};
use crate::url::Url;
use crate::words::{LogFormat, LogLevel, StorageKind, Tls};
use larder_model::Network;

settings! {
    /// The whole configuration, checked.
    pub struct Config at "", keys "" {
        /// The directory that holds what the server keeps on this machine. A path that begins with
        /// `"<data>/"` begins here; any other relative path begins where the server was started.
        data: PathBuf = "./larder-data",
    } with {
        /// Where the server listens and what clients may take.
        server: Server,
        /// Where blobs are kept.
        storage: Storage,
        /// Where names are kept.
        database: Database,
        /// How mirrors remember.
        cache: Cache,
        /// Who may prove who they are, and how.
        auth: Auth,
        /// How long it is known who did what.
        audit: Audit,
        /// When unused blobs go.
        gc: Gc,
        /// How fast what is kept is read and compared with its digests.
        scrub: Scrub,
        /// What backups have inside, and how many are kept.
        backup: Backup,
        /// What is logged.
        log: Log,
        /// What is measured.
        telemetry: Telemetry,
    }
}

settings! {
    /// Where the server listens.
    pub struct Server at "server", keys "server." {
        /// The address and port. `"0.0.0.0:7070"` or `"[::]:7070"` serve other machines too.
        listen: SocketAddr = "127.0.0.1:7070",
        /// The URL under which clients reach the server, e.g. `"https://larder.example.org"`; links
        /// in answers begin with it. Unset, links follow the host that the client asked for.
        public_url: Option<Url> as Option<Origin> = "",
        /// `"off"`; `"self-signed"` with a certificate made at the first start; or your own, in PEM
        /// form: `{ cert = "/etc/larder/cert.pem", key = "/etc/larder/key.pem" }`.
        tls: Tls = "off",
        /// The proxies, as addresses or networks (`["10.0.0.0/8", "::1"]`), whose word on the
        /// client's address, on the scheme and on the host is believed (X-Forwarded-For, -Proto
        /// and -Host, or Forwarded). Nobody else's is: lists are read from the right, through
        /// these proxies only.
        trusted_proxies: Vec<Network> = "",
        /// Worker threads, at most 1024; 0 is one for each processor.
        threads: usize as Count<usize, 0, 1024> = "0",
    } with {
        /// What clients may take.
        limits: Limits,
    }
}

settings! {
    /// What clients may take.
    pub struct Limits at "server.limits", keys "server.limits." {
        /// Connections that may be open at once. Where there are as many, one that waits for its
        /// client makes room for a new one, first of the address that has most of them.
        connections: usize as Count<usize, 1> = "10000",
        /// Connections that one client address may have open at once; 0 is no limit.
        connections_per_address: usize as Count<usize, 0> = "0",
        /// All headers of a request together; at least `"8KiB"`.
        header_size: u64 as Size<{ 8 << 10 }> = "32KiB",
        /// Headers of a request, in number.
        headers: usize as Count<usize, 1> = "100",
        /// How long the headers of a request may take to arrive.
        header_time: Duration as Span<1> = "30s",
        /// How long a connection stays open without a request.
        idle_time: Duration as Span<1> = "2m",
        /// How long a body may pause, arriving or leaving. A slow body that moves is never cut, but
        /// for forms and documents that are read as a whole: 1 KiB of them comes a second at least.
        body_idle_time: Duration as Span<1> = "1m",
        /// How long running transfers may go on when the server is told to stop.
        shutdown_time: Duration as Span<0> = "30s",
        /// An image manifest; at least `"4MiB"`, which clients may rely on.
        manifest_size: u64 as Size<{ 4 << 20 }> = "4MiB",
        /// The body of an administrative request; at least `"1KiB"`.
        json_size: u64 as Size<{ 1 << 10 }> = "1MiB",
        /// Requests to the API that one user, robot or anonymous address may make in a second, over
        /// time; 0 is no limit.
        api_requests_per_second: u32 as Count<u32, 0> = "200",
        /// Requests to the API that it may make at once after a pause.
        api_burst: u32 as Count<u32, 1> = "1000",
        /// One blob; 0 is no limit.
        blob_size: u64 as Size<0> = "0",
        /// One file of a package that is published: a wheel, a crate, a tarball; at least `"1MiB"`.
        package_size: u64 as Size<{ 1 << 20 }> = "8GiB",
        /// What such a file may unpack to; at least `"1MiB"`.
        package_unpacked_size: u64 as Size<{ 1 << 20 }> = "32GiB",
        /// What describes one version that is published: a manifest, a description with its README; at
        /// least `"64KiB"`.
        package_metadata_size: u64 as Size<{ 64 << 10 }> = "8MiB",
        /// A document of a whole package or repository that a client sends; at least `"1MiB"`.
        package_document_size: u64 as Size<{ 1 << 20 }> = "64MiB",
        /// How long an upload may lie idle before it is dropped.
        upload_idle_time: Duration as Span<1> = "1d",
        /// Requests at once on one HTTP/2 connection.
        streams: u32 as Count<u32, 1> = "100",
    }
}

settings! {
    /// Where blobs are kept: in a directory, or in a bucket.
    pub struct Storage at "storage", keys "storage." {
        /// `"local"`, `"s3"` (and what speaks its protocol), `"gcs"` or `"azure"`.
        kind: StorageKind = "local",
        /// The directory of `"local"`.
        path: PathBuf = "<data>/storage",
        /// The directory in which uploads are gathered until they are whole, whatever the kind.
        staging: PathBuf = "<data>/staging",
        /// How much of the disk of `staging`, and of that of `<data>/git`, stays free: with less, new
        /// bytes are refused, and what is kept goes on being served. Unset, a fiftieth of the disk,
        /// at most 1 GiB.
        keep_free: Option<u64> as Option<Size<0>> = "",
        /// The bucket, or the container of `"azure"`. The keys from here on are for buckets only.
        bucket: Option<String> = "",
        /// What the names of all objects begin with, e.g. `"team/larder"`.
        prefix: Option<String> = "",
        /// The region of the bucket of `"s3"`; `"us-east-1"` if unset.
        region: Option<String> = "",
        /// The URL of the service, where it is not the provider's own, e.g.
        /// `"https://objects.example.org:9000"`; of an `"azure"` that has accounts in the path, with
        /// the account: `"http://127.0.0.1:10000/devstoreaccount1"`.
        endpoint: Option<Url> = "",
        /// The id of the access key of `"s3"`; the account of `"azure"`.
        access_key_id: Option<String> = "",
        /// The access key of `"s3"` or `"azure"`; the key of a service account of `"gcs"`, as JSON.
        /// Best left to the environment: `LARDER_STORAGE__SECRET_ACCESS_KEY`, or the file that
        /// `LARDER_STORAGE__SECRET_ACCESS_KEY_FILE` names. Unset, the machine's own identity counts.
        secret_access_key: Option<Secret> = "",
        /// Whether the endpoint may be plain http, which shows every blob to the network.
        allow_http: bool = "false",
        /// Whether `"s3"` puts the bucket into the path of the URL instead of the host name.
        path_style: bool = "true",
    }
}

settings! {
    /// Where names are kept: a SQLite file, or a PostgreSQL database. Set the path or the URL.
    pub struct Database at "database", keys "database." {
        /// The SQLite file, where there is no URL.
        path: PathBuf = "<data>/larder.db",
        /// The PostgreSQL database, e.g. `"postgres://larder:password@db.example.org/larder"`. Best
        /// left to the environment: `LARDER_DATABASE__URL`. With `?sslmode=require` at its end nothing
        /// goes there unencrypted.
        url: Option<Secret> as Option<DatabaseUrl> = "",
        /// Connections to PostgreSQL.
        connections: usize as Count<usize, 1> = "16",
        /// Connections that read the SQLite file; 0 chooses by the processors.
        readers: usize as Count<usize, 0> = "0",
    }
}

impl Database {
    /// Which one it is: the file, or the URL without its password.
    pub fn place(&self) -> String {
        let url = self.url.as_ref().map(|url| without_password(url.expose()));
        url.unwrap_or_else(|| self.path.display().to_string())
    }
}

settings! {
    /// How mirrors remember.
    pub struct Cache at "cache", keys "cache." {
        /// How long a document is served without asking its upstream again.
        fresh: Duration as Span<0> = "5m",
        /// How long an upstream's "not found" is believed.
        not_found: Duration as Span<0> = "1m",
        /// How long a client waits while an old document is asked for again, before it gets the one
        /// that is kept.
        revalidate_timeout: Duration as Span<0> = "5s",
        /// Whether nothing is fetched from any upstream, whatever the settings in the database say.
        offline: bool = "false",
        /// Whether the first start asks this machine's package managers for their upstreams, as
        /// `larder discover` does.
        discover: bool = "true",
        /// Requests to one host of an upstream at once.
        upstream_requests: usize as Count<usize, 1> = "128",
        /// How long a connection to an upstream may take to be made.
        upstream_connect_time: Duration as Span<1> = "5s",
        /// How long an upstream may take to begin its answer, unless its mirror says otherwise.
        upstream_answer_time: Duration as Span<1> = "30s",
        /// How long an upstream may be silent within its answer.
        upstream_idle_time: Duration as Span<1> = "30s",
        /// Files of certificates in PEM form, e.g. `["/etc/larder/company-ca.pem"]`: authorities
        /// that upstreams' certificates may come from, beside those that this machine trusts.
        upstream_authorities: Vec<PathBuf> = "",
        /// The largest document of an upstream, once it is decoded. One of the largest at a time is in
        /// memory: while it is read that takes its size, while it is made into another form two to three
        /// times that.
        document_size: u64 as Size<{ 1 << 20 }> = "128MiB",
        /// The largest file of an upstream: a layer, a wheel, a package; 0 is no limit.
        artifact_size: u64 as Size<0> = "64GiB",
        /// How much more of a file is fetched once nobody waits for it any more. What is whole by then is
        /// kept, other bytes are dropped and the upstream is left.
        unattended_size: u64 as Size<0> = "4GiB",
        /// What all mirrors together may keep; 0 is no limit. Where it is more, what was used longest
        /// ago goes, until a tenth of this is free, but for what was used within the hour, or within
        /// `gc.grace` if that is shorter. The server looks once an hour, and as often as `gc.every` says.
        size: u64 as Size<0> = "0",
        /// How long it is known what the documents and tags of mirrors were before.
        history: Duration as Span<0> = "90d",
    }
}

settings! {
    /// Passwords and tokens.
    pub struct Auth at "auth", keys "auth." {
        /// Whether grants to `"anonymous"` count. If not, every request needs a token or a
        /// password.
        anonymous: bool = "true",
        /// How long a bearer token of an image client lasts; at least `"1m"`.
        token_life: Duration as Span<60_000> = "5m",
        /// How long an offline token of an image client lasts.
        offline_token_life: Duration as Span<60_000> = "90d",
        /// The file of the keys that sign bearer tokens and close stored secrets; made by the first
        /// start. Where it is lost, the server does not start.
        token_key: PathBuf = "<data>/token.key",
        /// The memory that one check of a password takes; more makes guessing dearer. At least
        /// `"7MiB"`.
        password_memory: u64 as Size<{ 7 << 20 }> = "19MiB",
        /// Failed logins a minute for one name from one address (of IPv6 a /64), ten times as many
        /// from all addresses together; more are refused unread. An address from which the name was
        /// used before is not shut by failures from others.
        login_attempts: u32 as Count<u32, 1> = "10",
    }
}

settings! {
    /// The audit trail: who did, asked for or was refused what.
    pub struct Audit at "audit", keys "audit." {
        /// How long an entry is kept. Older ones are deleted once a day; the rest can still be
        /// verified.
        keep: Duration as Span<1> = "400d",
    }
}

settings! {
    /// How long what nothing names any more is left alone before its bytes are freed. When that
    /// happens is a schedule: `larder schedule set gc '0 3 * * *'`.
    pub struct Gc at "gc", keys "gc." {
        /// How long a blob is left alone once nothing names it: before it is condemned, and once
        /// more before its bytes go. An upload must be named by a manifest within it.
        grace: Duration as Span<1> = "1d",
        /// How long a client that was told that a blob is here may rely on it, where the grace is
        /// shorter; at least `"1s"`.
        lease: Duration as Span<1000> = "15m",
        /// How often the collector runs besides its schedule, and mirrors are brought back to
        /// `cache.size`; at least `"1s"`. Each run is a job. Unset, only the schedule says when.
        every: Option<Duration> as Option<Span<1000>> = "",
    }
}

settings! {
    /// How what is kept is read and compared with its digests. When that happens is a schedule:
    /// `larder schedule set scrub '0 4 * * 0'`.
    pub struct Scrub at "scrub", keys "scrub." {
        /// How many bytes are read in a second; 0 is no limit.
        rate: u64 as Size<0> = "64MiB",
    }
}

settings! {
    /// Backups that the server makes by itself, when the schedule `backup` says so. They stand below
    /// `backups/` in the folder or the bucket of the blobs.
    pub struct Backup at "backup", keys "backup." {
        /// Whether they hold the blobs. Without, they refer to them: such a backup is restored beside
        /// the same folder or bucket.
        blobs: bool = "false",
        /// Whether they hold the server's keys, so that whoever can read them can read the passwords
        /// of upstreams. Without, keep the file `auth.token_key` elsewhere yourself.
        keys: bool = "true",
        /// How many are kept.
        keep: usize as Count<usize, 1> = "14",
        /// How long one is kept, but for the newest; 0 is no limit.
        keep_for: Duration as Span<0> = "90d",
    }
}

settings! {
    /// The log.
    pub struct Log at "log", keys "log." {
        /// `"error"`, `"warn"`, `"info"`, `"debug"` or `"trace"`: the least important message that
        /// is written.
        level: LogLevel = "info",
        /// `"text"`, `"json"`, or `"auto"`: text on a terminal, JSON elsewhere.
        format: LogFormat = "auto",
    }
}

settings! {
    /// Measurements.
    pub struct Telemetry at "telemetry", keys "telemetry." {
        /// Whether metrics are served at all.
        metrics: bool = "true",
        /// An address and port of their own for metrics, e.g. `"127.0.0.1:7071"`. Unset, they stand
        /// beside the rest.
        metrics_listen: Option<SocketAddr> = "",
    }
}
