//! Whatever a log of checksums answers, it is refused or asked for the next thing; nothing is kept
//! that the log's key has not signed.
use bytes::Bytes;
use larder_mirrors::logs::{LogReads, LogStep};
use larder_mirrors::{LogRequest, Protocol, go};
use larder_model::ChecksumLog;

const KEY: &str = "sum.example+4a8a4721+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV";
const PATHS: [&str; 4] = [
    "latest",
    "lookup/example.com/m@v1.0.0",
    "tile/8/0/000.p/1",
    "tile/8/data/000",
];

/// Whatever comes, nothing panics.
pub fn run(input: (&str, Vec<&[u8]>)) {
    let (path, answers) = input;
    let key = answers
        .first()
        .and_then(|text| str::from_utf8(text).ok())
        .unwrap_or_default();
    let logs = go::Go.logs().expect("logs");
    let _ = logs.open(&ChecksumLog {
        key: key.to_owned(),
        ..ChecksumLog::default()
    });
    let settings = ChecksumLog {
        key: KEY.to_owned(),
        ..ChecksumLog::default()
    };
    let log = logs.open(&settings).expect("a log");
    for path in PATHS.into_iter().chain([path]) {
        let wanted = LogRequest {
            log: "".into(),
            package: "".into(),
            path: path.into(),
        };
        let (mut reads, mut answers) = (LogReads::new(), answers.iter());
        for _ in 0..20 {
            match log.step(&wanted, &reads, false) {
                Err(_) => break,
                Ok(LogStep::Read(all)) => {
                    for read in all {
                        let answer = answers.next().map(|bytes| Bytes::copy_from_slice(bytes));
                        assert!(reads.insert(read, answer).is_none(), "read twice");
                    }
                }
                Ok(LogStep::Done(answer)) => {
                    // A note that someone signed may be found, but nobody found a second one.
                    assert!(answer.proven.len() < 20);
                    break;
                }
            }
        }
    }
}
