//! Who makes a call, and what it had to be allowed.

use larder_access::{Admission, Allowed};
use larder_model::{Kind, Permission, Problem};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An admitted caller. What is required of it is noted, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    admission: Arc<Admission>,
    permissions: Arc<Mutex<Vec<Permission>>>,
}

impl Deref for Caller {
    type Target = Admission;

    fn deref(&self) -> &Admission {
        &self.admission
    }
}

impl Caller {
    pub(crate) fn new(admission: Admission) -> Self {
        Self::of(Arc::new(admission))
    }

    /// A caller who makes several calls for one page.
    pub(crate) fn of(admission: Arc<Admission>) -> Self {
        Self {
            admission,
            permissions: Arc::default(),
        }
    }

    /// The same caller, whose changes are made only under this version of the policy.
    pub(crate) fn expecting(&self, version: &str) -> Self {
        Self {
            admission: Arc::new(self.admission.expecting(version)),
            permissions: Arc::clone(&self.permissions),
        }
    }

    /// How logs and rows name it.
    pub(crate) fn label(&self) -> &str {
        &self.admission.principal().label
    }

    /// The proof that `permission` is allowed; a problem if it is not.
    pub(crate) fn require(&self, permission: Permission) -> Result<Allowed<'_>, Problem> {
        let allowed = self.admission.require(&permission);
        self.permissions().push(permission);
        allowed
    }

    /// Fails unless `permission` is allowed for some package of its repository at least.
    pub(crate) fn require_somewhere(&self, permission: Permission) -> Result<(), Problem> {
        let allowed = self.admission.require_somewhere(&permission);
        self.permissions().push(permission);
        allowed
    }

    /// Fails unless it is a superuser with all its rights.
    pub(crate) fn require_superuser(&self) -> Result<Allowed<'_>, Problem> {
        self.admission.require_superuser()
    }

    /// What was required last.
    pub(crate) fn last_permission(&self) -> Option<Permission> {
        self.permissions().last().cloned()
    }

    /// What was required so far.
    pub(crate) fn take_permissions(&self) -> Vec<Permission> {
        std::mem::take(&mut *self.permissions())
    }

    fn permissions(&self) -> MutexGuard<'_, Vec<Permission>> {
        let permissions = self.permissions.lock();
        permissions.unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn only_superusers() -> Problem {
    Problem::new(Kind::Denied, "access", "only a superuser may do this").as_refusal()
}
