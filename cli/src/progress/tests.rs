use super::*;
use larder_model::{JobKind, Timestamp};

fn job(state: JobState, progress: Option<JobProgress>) -> Job {
    Job {
        id: "41".to_owned(),
        kind: JobKind::Gc,
        state,
        dry_run: false,
        repository: None,
        by: "user:admin".to_owned(),
        created_at: Timestamp(0),
        started_at: None,
        finished_at: None,
        cancel_requested: false,
        attempts: 1,
        progress,
        result: None,
        error: None,
    }
}

fn progress(done: u64, total: Option<u64>, bytes: u64) -> JobProgress {
    JobProgress {
        phase: "sweep".to_owned(),
        done,
        total,
        unit: "blobs".to_owned(),
        bytes,
    }
}

#[test]
fn lines_tell_how_far_a_job_is() {
    for (state, progress, told) in [
        (JobState::Queued, None, "job 41 is queued"),
        (JobState::Running, None, "job 41 is running"),
        (
            JobState::Running,
            Some(progress(12, Some(40), 4096)),
            "sweep [######..............] 12/40 blobs, 4.0 KiB",
        ),
        (
            JobState::Running,
            Some(progress(0, Some(0), 0)),
            "sweep [####################] 0/0 blobs",
        ),
        (
            JobState::Running,
            Some(progress(50, Some(40), 0)),
            "sweep [####################] 50/40 blobs",
        ),
        (
            JobState::Running,
            Some(progress(u64::MAX, Some(u64::MAX), 0)),
            "sweep [####################] 18446744073709551615/18446744073709551615 blobs",
        ),
        (
            JobState::Running,
            Some(progress(7, None, 1023)),
            "sweep 7 blobs, 1023 B",
        ),
        (
            JobState::Running,
            Some(progress(7, None, 3 << 30)),
            "sweep 7 blobs, 3.0 GiB",
        ),
        (
            JobState::Running,
            Some(progress(7, None, u64::MAX)),
            "sweep 7 blobs, 16777215.9 TiB",
        ),
        (
            JobState::Cancelled,
            Some(progress(7, None, 0)),
            "job 41 is cancelled",
        ),
    ] {
        assert_eq!(line(&job(state, progress), 200), told);
    }
    let asked = Job {
        cancel_requested: true,
        ..job(JobState::Running, Some(progress(7, None, 0)))
    };
    assert_eq!(line(&asked, 200), "sweep 7 blobs, asked to end");
    assert_eq!(line(&asked, 9), "sweep 7 b");
}

#[test]
fn nothing_steers_the_terminal() {
    let mut hostile = progress(1, None, 0);
    hostile.phase = "\u{1b}[2J".to_owned();
    let told = line(&job(JobState::Running, Some(hostile)), 200);
    assert!(!told.contains('\u{1b}'), "{told:?}");
}
