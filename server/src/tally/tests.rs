use super::*;
use larder_metadata::series::{STEP, hour_of};
use larder_model::{Clock, Distribution};
use std::sync::atomic::AtomicI64;

const FILES: ProtocolName = ProtocolName("files");
const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A database of its own at a time that is set by hand.
async fn database() -> (Metadata, Arc<AtomicI64>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let now = Arc::new(AtomicI64::new(START.0));
    let time = Arc::clone(&now);
    let clock = Clock::new(move || Timestamp(time.load(Ordering::SeqCst)));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    (metadata, now, folder)
}

fn tally(now: Timestamp) -> Tally {
    let protocols = [ProtocolName::OCI, FILES].into_iter();
    Tally::new(protocols, Arc::default(), Arc::default(), now)
}

fn answered(protocol: ProtocolName, status: u16) -> Answered {
    Answered {
        door: DoorLabel::Packages,
        protocol: Some(protocol),
        status,
        took: Duration::from_millis(2),
        sent: 10,
        received: 0,
        denied: status == 403,
        cache: CacheUse::of(b"larder; hit; ttl=1"),
    }
}

/// The values of a series in an hour, by label.
async fn series(metadata: &Metadata, name: SeriesName, hour: Timestamp) -> Vec<(String, u64)> {
    let points = metadata.series(name.word(), hour, hour.after(STEP)).await;
    let points = points.expect("series").into_iter();
    points.map(|it| (it.label.to_string(), it.value)).collect()
}

#[test]
fn what_a_mirror_had_is_read_from_its_header() {
    for (status, cache) in [
        ("larder; hit", Some(CacheUse::Hit)),
        (
            "larder; hit; fwd=stale; fwd-status=304",
            Some(CacheUse::Hit),
        ),
        ("larder; fwd=miss; stored", Some(CacheUse::Miss)),
        ("other; hit", None),
        ("", None),
    ] {
        assert_eq!(CacheUse::of(status.as_bytes()), cache, "{status}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_protocol_and_outcome() {
    let (metadata, _, _folder) = database().await;
    let tally = tally(START);
    for status in [200, 200, 404, 403, 500] {
        tally.answered(&answered(FILES, status));
    }
    let unknown = answered(ProtocolName("strange"), 200);
    tally.answered(&unknown);
    let door = DoorLabel::Api;
    tally.answered(&Answered {
        door,
        received: 7,
        cache: None,
        ..answered(FILES, 200)
    });
    tally.write(&metadata).await.expect("write");
    let hour = hour_of(START);
    let of = async |name| series(&metadata, name, hour).await;
    let files = |value| vec![("files".to_owned(), value)];
    let row = |label: &str, value| (label.to_owned(), value);
    let all = [row("api", 1), row("files", 5), row("other", 1)];
    assert_eq!(of(SeriesName::Requests).await, all);
    assert_eq!(of(SeriesName::ClientErrors).await, files(2));
    assert_eq!(of(SeriesName::ServerErrors).await, files(1));
    assert_eq!(of(SeriesName::DeniedRequests).await, files(1));
    assert_eq!(
        of(SeriesName::CacheHits).await,
        [row("files", 5), row("other", 1)]
    );
    assert_eq!(of(SeriesName::CacheMisses).await, []);
    assert_eq!(of(SeriesName::ReceivedBytes).await, [row("api", 7)]);
    assert_eq!(of(SeriesName::SentBytes).await[1], row("files", 50));
    let mut durations = Distribution::default();
    let name = SeriesName::RequestDuration.word();
    for point in metadata
        .series(name, hour, hour.after(STEP))
        .await
        .expect("series")
    {
        assert!(durations.add(&point.part, point.value));
    }
    assert_eq!(
        (durations.count(), durations.sum()),
        (7, Duration::from_millis(14))
    );
}

#[tokio::test]
async fn what_is_new_is_added_once_at_the_hour_in_which_it_began() {
    let (metadata, now, _folder) = database().await;
    let tally = tally(START);
    let hour = hour_of(START);
    let count = |times: usize| {
        for _ in 0..times {
            tally.answered(&answered(FILES, 200));
        }
    };
    count(3);
    tally.write(&metadata).await.expect("write");
    tally.write(&metadata).await.expect("write");
    count(2);
    now.store(hour.after(STEP).0, Ordering::SeqCst);
    tally.write(&metadata).await.expect("write");
    count(4);
    tally.write(&metadata).await.expect("write");
    for (hour, value) in [(hour, 5), (hour.after(STEP), 4)] {
        let found = series(&metadata, SeriesName::Requests, hour).await;
        assert_eq!(found, [("files".to_owned(), value)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_threads_and_two_servers_count_adds_up() {
    const THREADS: u64 = 8;
    const EACH: u64 = 2_000;
    let (metadata, _, _folder) = database().await;
    let servers = [tally(START), tally(START)];
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for server in &servers {
                    for _ in 0..EACH {
                        server.answered(&answered(FILES, 200));
                    }
                }
            });
        }
    });
    let [one, two] = &servers;
    let (first, second) = tokio::join!(one.write(&metadata), two.write(&metadata));
    first.expect("write");
    second.expect("write");
    let found = series(&metadata, SeriesName::Requests, hour_of(START)).await;
    assert_eq!(found, [("files".to_owned(), 2 * THREADS * EACH)]);
}
