//! How a command ends: the one table of exit codes, and which of them a refusal of the server is.

/// How a command ended. The numbers are part of the command line's contract (`docs/cli.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// It is done, or all is well.
    Done = 0,
    /// It failed, and none of the other codes says why.
    Failed = 1,
    /// It was called the wrong way, or the server found an argument wrong.
    Usage = 2,
    /// What it is about is not there, or may not be seen.
    NotFound = 3,
    /// Nobody is logged in, or who is has no right to it.
    NotAllowed = 4,
    /// Some of it is done and some failed.
    Partly = 5,
    /// It clashes with what is there, or rests on what has changed since.
    Conflict = 6,
    /// It needs the network, and the server or the repository is offline.
    Offline = 7,
    /// A hash or a signature is not what it should be.
    Integrity = 8,
    /// A quota or a rule of the operator forbids it.
    Policy = 9,
    /// Someone interrupted it.
    Interrupted = 130,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a problem that the server answers comes to: by its code where that says more than its
    /// status.
    pub(crate) fn of_refusal(status: u16, code: &str) -> Self {
        match code {
            "offline" => Self::Offline,
            "digest_mismatch" | "signature_invalid" => Self::Integrity,
            "policy" => Self::Policy,
            code if code.starts_with("quota") => Self::Policy,
            _ => Self::of_status(status),
        }
    }

    /// What the code of a job's error comes to.
    pub(crate) fn of_failed_job(code: &str) -> Self {
        Self::of_refusal(500, code)
    }

    const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::NotAllowed,
            404 | 410 => Self::NotFound,
            409 | 412 => Self::Conflict,
            400 | 413 | 416 | 422 | 431 => Self::Usage,
            _ => Self::Failed,
        }
    }

    /// How several steps ended together: as all of them did, or partly.
    pub(crate) fn of_steps(steps: impl IntoIterator<Item = Self>) -> Self {
        let mut steps = steps.into_iter();
        let first = steps.next().unwrap_or(Self::Done);
        steps.fold(first, |all, step| match (all, step) {
            (all, step) if all == step => all,
            (Self::Done | Self::Partly, _) | (_, Self::Done | Self::Partly) => Self::Partly,
            _ => Self::Failed,
        })
    }
}

#[cfg(test)]
mod tests;
