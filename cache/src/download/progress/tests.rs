use super::*;
use futures_util::FutureExt as _;
use larder_model::{Algorithm, Digest};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::AtomicBool;

/// All bytes are in the file before anyone may read them.
const ALL: u64 = u64::MAX;

fn found(size: u64) -> Arc<FileRecord> {
    let digest = Digest::of(Algorithm::Sha256, b"");
    Arc::new(FileRecord::transient("", digest, size))
}

async fn all(download: Arc<Download>) -> Result<Vec<u8>, Error> {
    let called = Arc::new(AtomicBool::new(false));
    let calls = Arc::clone(&called);
    let read = all_of(download, move || {
        assert!(!calls.swap(true, Ordering::SeqCst), "called once");
    });
    let read = read.await;
    let was_called = called.load(Ordering::SeqCst);
    assert_eq!(
        was_called,
        read.is_ok(),
        "who has all is counted, and nobody else"
    );
    read
}

async fn all_of(
    download: Arc<Download>,
    whole: impl FnOnce() + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let mut stream = download.stream(None, Some(whole));
    let mut all = Vec::new();
    while let Some(part) = stream.next().await {
        all.extend_from_slice(&part?.collect(usize::MAX).await?);
    }
    Ok(all)
}

#[tokio::test]
async fn early_and_late_readers_get_the_same_bytes() {
    let mut staged = tempfile::tempfile().expect("file");
    let bytes: Vec<u8> = (0..10_000_000_u32)
        .map(|number| (number * 7 % 251) as u8)
        .collect();
    staged.write_all(&bytes).expect("write");
    let download = Download::new();
    let early = tokio::spawn(all(Arc::clone(&download)));
    download.begin(Some(bytes.len() as u64), Arc::new(staged));
    for piece in bytes.chunks(700_001) {
        download.release(Bytes::copy_from_slice(piece), ALL);
        tokio::task::yield_now().await;
    }
    download.complete(found(bytes.len() as u64));
    let late = tokio::spawn(all(Arc::clone(&download)));
    download.end(Ok(found(bytes.len() as u64)));
    assert_eq!(early.await.expect("task").expect("bytes"), bytes);
    assert_eq!(late.await.expect("task").expect("bytes"), bytes);
}

#[tokio::test]
async fn who_reads_the_wrong_bytes_never_gets_to_an_end() {
    let (download, staged) = (Download::new(), || {
        Arc::new(tempfile::tempfile().expect("file"))
    });
    assert!(download.abort().is_none(), "nobody has read anything");
    download.begin(Some(8), staged());
    download.release(Bytes::from_static(b"wron"), ALL);
    let mut reader = Arc::clone(&download).stream(None, None::<fn()>);
    let part = reader.next().await.expect("part").expect("content");
    assert_eq!(part.collect(4).await.expect("bytes"), "wron");
    let next = download.abort().expect("another one");
    next.begin(Some(8), staged());
    next.release(Bytes::from_static(b"righ"), ALL);
    assert!(reader.next().await.expect("piece").is_err());
    drop(reader);
    assert!(!next.is_awaited(), "nobody is there any more");
    let waiter = download.state.subscribe();
    assert!(
        next.is_awaited(),
        "who waits for the first waits for this one"
    );
    drop(waiter);
    download.end(Ok(found(8)));
    assert!(
        all(Arc::clone(&download)).await.is_err(),
        "nor does who was told to begin"
    );
    assert!(
        matches!(download.head().await, Ok(DownloadHead::Complete(_))),
        "who comes now gets what is kept"
    );
    assert_eq!(download.kept().await.expect("kept").size, 8);
}

#[tokio::test]
async fn what_is_right_and_cannot_be_kept_is_read_and_waited_for_no_longer() {
    let download = Download::new();
    download.begin(Some(9), Arc::new(tempfile::tempfile().expect("file")));
    download.release(Bytes::from_static(b"all of it"), ALL);
    download.complete(found(9));
    let waiting = tokio::spawn({
        let download = Arc::clone(&download);
        async move { download.kept().await.map(drop) }
    });
    tokio::task::yield_now().await;
    download.end(Err(Problem::internal("the disk is full")));
    assert!(waiting.await.expect("task").is_err());
    assert!(matches!(
        download.head().await,
        Ok(DownloadHead::Stream(Some(9)))
    ));
    assert_eq!(
        all(Arc::clone(&download)).await.expect("bytes"),
        b"all of it"
    );
}

#[tokio::test]
async fn in_the_end_little_is_left_in_memory() {
    let mut staged = tempfile::tempfile().expect("file");
    staged.write_all(&vec![7; 300_000]).expect("write");
    let download = Download::new();
    download.begin(Some(300_000), Arc::new(staged));
    for piece in [100_000, 196_000, 4_000] {
        download.release(Bytes::from(vec![7; piece]), ALL);
    }
    download.complete(found(300_000));
    download.end(Ok(found(300_000)));
    let left = download
        .window
        .lock()
        .expect("window")
        .pieces
        .iter()
        .map(Bytes::len)
        .sum::<usize>();
    assert_eq!(left, 4_000);
    assert_eq!(all(download).await.expect("bytes"), vec![7; 300_000]);
}

#[tokio::test]
async fn a_failure_is_an_error_for_all_readers() {
    let download = Download::new();
    let reader = tokio::spawn(all(Arc::clone(&download)));
    download.begin(None, Arc::new(tempfile::tempfile().expect("file")));
    download.release(Bytes::from_static(b"half"), ALL);
    download.end(Err(Problem::not_found("artifact", "gone")));
    assert!(reader.await.expect("task").is_err());
    assert!(download.head().await.is_err());
    assert!(download.kept().await.is_err());
}

/// What has come of a range, and whether that was its end.
async fn part_of(download: &Arc<Download>, range: Range<u64>) -> (Vec<u8>, bool) {
    let mut stream = Arc::clone(download).stream(Some(range), None::<fn()>);
    let mut all = Vec::new();
    while let Some(next) = stream.next().now_or_never() {
        match next {
            None => return (all, true),
            Some(part) => {
                let part = part.expect("part").collect(usize::MAX).await;
                all.extend_from_slice(&part.expect("bytes"));
            }
        }
    }
    (all, false)
}

#[tokio::test]
async fn a_part_comes_as_its_bytes_do_and_ends_when_all_is_kept() {
    const HELD: u64 = HELD_BYTES as u64;
    let bytes: Vec<u8> = (0..30_000_u32).map(|at| (at * 7 % 251) as u8).collect();
    let of = |range: Range<usize>, ended| (bytes[range].to_vec(), ended);
    let mut staged = tempfile::tempfile().expect("file");
    staged.write_all(&bytes).expect("write");
    let download = Download::new();
    download.begin(Some(30_000), Arc::new(staged));
    assert_eq!(part_of(&download, 0..9000).await, (vec![], false));
    download.release(Bytes::copy_from_slice(&bytes[..10_000]), ALL);
    assert_eq!(
        part_of(&download, 100..20_000).await,
        of(100..10_000, false)
    );
    assert_eq!(
        part_of(&download, 100..100 + HELD + 5).await,
        of(100..105, false)
    );
    assert_eq!(part_of(&download, 100..200).await, (vec![], false));
    assert_eq!(part_of(&download, 20_000..30_000).await, (vec![], false));
    download.release(Bytes::copy_from_slice(&bytes[10_000..]), ALL);
    download.complete(found(30_000));
    assert_eq!(part_of(&download, 100..200).await, (vec![], false));
    assert_eq!(part_of(&download, 29_999..30_000).await, (vec![], false));
    download.end(Ok(found(30_000)));
    for range in [0..1, 100..20_000, 20_000..30_000, 29_999..30_000] {
        let (start, end) = (range.start as u64, range.end as u64);
        assert_eq!(part_of(&download, start..end).await, of(range, true));
    }
}

#[tokio::test]
async fn a_part_is_told_once_all_of_it_came() {
    let download = Download::new();
    download.begin(Some(8), Arc::new(tempfile::tempfile().expect("file")));
    let told = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&told);
    let whole = move || tells.store(true, Ordering::SeqCst);
    let mut stream = Arc::clone(&download).stream(Some(0..6), Some(whole));
    download.release(Bytes::from_static(b"all of it"), ALL);
    assert!(stream.next().now_or_never().is_none());
    assert!(!told.load(Ordering::SeqCst));
    download.complete(found(8));
    download.end(Ok(found(8)));
    stream.next().await.expect("part").expect("content");
    assert!(told.load(Ordering::SeqCst));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn what_is_not_in_the_file_stays_in_memory() {
    let staged = Arc::new(tempfile::tempfile().expect("file"));
    let download = Download::new();
    download.narrow();
    download.begin(Some(9), Arc::clone(&staged));
    let mut reader = Arc::clone(&download).stream(None, None::<fn()>);
    download.release(Bytes::from_static(b"012"), 0);
    download.release(Bytes::from_static(b"345"), 2);
    for expected in ["012", "345"] {
        let part = reader.next().await.expect("part").expect("content");
        assert_eq!(part.collect(3).await.expect("bytes"), expected);
    }
    staged.write_all_at(b"012", 0).expect("write");
    download.release(Bytes::from_static(b"678"), 3);
    let start = download.window().start;
    assert_eq!(start, 3, "no more than must be is in memory");
    download.complete(found(9));
    assert_eq!(all(download).await.expect("bytes"), b"012345678");
}
