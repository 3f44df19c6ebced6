//! Users with all that they hold, read when they are needed and remembered until any right changes.
//!
//! However many users there are, a request costs its own: a user's row, its groups, and the grants of
//! each of its subjects, each found by an index.

use crate::policy::PolicySnapshot;
use crate::principal::Held;
use crate::rules::{Rule, Rules};
use larder_metadata::users::User;
use larder_metadata::{Error, Metadata};
use moka::sync::Cache;
use std::sync::Arc;

/// Users remembered, and subjects whose rules are.
const MAX_REMEMBERED: u64 = 10_000;

/// A user with what it holds.
#[derive(Debug)]
pub struct Person {
    /// Its row.
    pub user: User,
    pub(crate) held: Arc<[Held]>,
}

/// Something that was read under a version of all rights.
#[derive(Clone)]
struct Stamped<T> {
    version: Box<str>,
    value: T,
}

/// Reads and remembers people.
pub(crate) struct People {
    metadata: Metadata,
    persons: Cache<i64, Stamped<Option<Arc<Person>>>>,
    /// By subject.
    rules: Cache<Box<str>, Stamped<Arc<Rules>>>,
}

impl People {
    pub(crate) fn new(metadata: Metadata) -> Self {
        Self {
            metadata,
            persons: Cache::new(MAX_REMEMBERED),
            rules: Cache::new(MAX_REMEMBERED),
        }
    }

    /// The user of an id. The policy is older than what is read here: what it stamps may be newer
    /// than it says, never older.
    pub(crate) async fn find(
        &self,
        id: i64,
        policy: &PolicySnapshot,
    ) -> Result<Option<Arc<Person>>, Error> {
        let known = self.persons.get(&id);
        if let Some(known) = known.filter(|known| known.version == policy.version) {
            return Ok(known.value);
        }
        let person = match self.metadata.user_by_id(id).await? {
            Some(user) => Some(Arc::new(self.read(user, policy).await?)),
            None => None,
        };
        let stamped = Stamped {
            version: policy.version.clone(),
            value: person.clone(),
        };
        self.persons.insert(id, stamped);
        Ok(person)
    }

    async fn read(&self, user: User, policy: &PolicySnapshot) -> Result<Person, Error> {
        let mut held = Vec::new();
        let own = user.subject().to_string();
        self.hold(&mut held, Vec::new(), &own, policy).await?;
        for membership in self.metadata.groups_of(user.id).await? {
            let path = membership.through.into_iter().chain([membership.group]);
            self.hold_by(&mut held, path, policy).await?;
        }
        held.extend(Self::of_authenticated(policy).iter().cloned());
        Ok(Person {
            user,
            held: held.into(),
        })
    }

    /// What everyone holds who shows credentials.
    pub(crate) fn of_authenticated(policy: &PolicySnapshot) -> Arc<[Held]> {
        [Held {
            through: Arc::default(),
            rules: Arc::clone(&policy.authenticated),
        }]
        .into()
    }

    /// What a member of a group holds by it; `None`: there is no such group.
    pub(crate) async fn of_group(
        &self,
        name: &str,
        policy: &PolicySnapshot,
    ) -> Result<Option<Arc<[Held]>>, Error> {
        let Some(group) = self.metadata.group(name).await? else {
            return Ok(None);
        };
        let mut held = Vec::new();
        let own: Box<str> = group.name.as_str().into();
        self.hold_by(&mut held, [own.clone()].into_iter(), policy)
            .await?;
        for outer in self.metadata.groups_with(group.id).await? {
            self.hold_by(&mut held, [own.clone(), outer].into_iter(), policy)
                .await?;
        }
        held.extend(Self::of_authenticated(policy).iter().cloned());
        Ok(Some(held.into()))
    }

    /// Adds what is held by the last of these groups, through those before it.
    async fn hold_by(
        &self,
        held: &mut Vec<Held>,
        path: impl Iterator<Item = Box<str>>,
        policy: &PolicySnapshot,
    ) -> Result<(), Error> {
        let through: Vec<Box<str>> = path.map(|name| format!("group:{name}").into()).collect();
        let Some(last) = through.last().cloned() else {
            return Ok(());
        };
        self.hold(held, through, &last, policy).await
    }

    async fn hold(
        &self,
        held: &mut Vec<Held>,
        through: Vec<Box<str>>,
        subject: &str,
        policy: &PolicySnapshot,
    ) -> Result<(), Error> {
        let rules = self.rules(subject, policy).await?;
        if !rules.is_empty() {
            let through = through.into();
            held.push(Held { through, rules });
        }
        Ok(())
    }

    /// The rules of a subject.
    async fn rules(&self, subject: &str, policy: &PolicySnapshot) -> Result<Arc<Rules>, Error> {
        let known = self.rules.get(subject);
        if let Some(known) = known.filter(|known| known.version == policy.version) {
            return Ok(known.value);
        }
        let grants = self.metadata.grants_of(subject).await?;
        let rules: Arc<Rules> = Arc::new(grants.into_iter().map(Rule::from).collect());
        let stamped = Stamped {
            version: policy.version.clone(),
            value: Arc::clone(&rules),
        };
        self.rules.insert(subject.into(), stamped);
        Ok(rules)
    }
}
