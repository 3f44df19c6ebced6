//! Rights as `docs/access.md` tells of them, written as plainly as can be. Nothing here is shared
//! with what it judges.

use larder_model::Verb;
use std::collections::{BTreeMap, BTreeSet};

/// What is done to things.
pub(super) const VERBS: [Verb; 5] = [
    Verb::List,
    Verb::Read,
    Verb::Write,
    Verb::Delete,
    Verb::Administer,
];

/// The roles, each with the verbs that it adds to those before it.
pub(super) const ROLES: [&str; 4] = ["reader", "writer", "maintainer", "admin"];

/// Whether a role allows a verb.
fn role_allows(role: &str, verb: Verb) -> bool {
    let allowed: &[Verb] = match role {
        "reader" => &[Verb::List, Verb::Read],
        "writer" => &[Verb::List, Verb::Read, Verb::Write],
        "maintainer" => &[Verb::List, Verb::Read, Verb::Write, Verb::Delete],
        "admin" => &VERBS,
        role => panic!("there is no role {role}"),
    };
    allowed.contains(&verb)
}

/// Whether a pattern, in which `*` is any run of characters, stands for a text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            let Some(after) = text.strip_prefix(start) else {
                return false;
            };
            let mut tails = after.char_indices().map(|(at, _)| &after[at..]);
            tails.any(|tail| fits(rest, tail)) || fits(rest, "")
        }
    }
}

/// A role on packages of repositories: what grants and limits have in common.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) repository: String,
    pub(super) package: String,
    pub(super) role: &'static str,
}

impl Scope {
    fn allows(&self, verb: Verb, repository: &str, package: Option<&str>) -> bool {
        let of_package = match package {
            Some(package) => fits(&self.package, package),
            // To see a repository something in it is enough; to change it all of it must be held.
            None if matches!(verb, Verb::List | Verb::Read) => true,
            None => self.package == "*",
        };
        role_allows(self.role, verb) && fits(&self.repository, repository) && of_package
    }
}

/// A scope, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) scope: Scope,
    /// What the addresses begin with from where it counts; empty: anywhere.
    pub(super) from: &'static str,
}

/// A person or a robot.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) superuser: bool,
    pub(super) disabled: bool,
    /// Of a robot: who answers for it; empty: nobody any more.
    pub(super) owner: Option<String>,
}

/// A repository.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: &'static str,
    /// `hosted`, `mirror` or `group`.
    pub(super) kind: &'static str,
    /// Whether it needs credentials upstream.
    pub(super) has_password: bool,
    pub(super) open: Option<bool>,
    /// Of a group, in their order.
    pub(super) members: &'static [&'static str],
    /// Packages with their one version each.
    pub(super) packages: &'static [(&'static str, &'static str)],
}

/// What was asked for with a bearer token and could be had then.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) repository: String,
    pub(super) package: String,
    pub(super) verbs: Vec<Verb>,
}

/// What someone shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Credential {
    /// The header's value.
    pub(super) header: String,
    /// `user:alice`, `robot:ci`; `None`: nobody.
    pub(super) account: Option<String>,
    /// The token's limits.
    pub(super) limits: Option<Vec<Scope>>,
    /// What a bearer token is for.
    pub(super) asked: Option<Vec<Asked>>,
    /// The token that is shown, or that the bearer token was got with.
    pub(super) token: Option<String>,
    /// The token by which this login was got, with which it ends.
    pub(super) of: Option<String>,
    /// Whether it is a name and a password.
    pub(super) by_password: bool,
    /// It was taken back for good.
    pub(super) ended: bool,
}

/// Everything that rights come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Rights {
    pub(super) accounts: BTreeMap<String, Account>,
    /// The members of each group, as subjects.
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
    pub(super) grants: Vec<Grant>,
    pub(super) places: Vec<Place>,
}

impl Rights {
    pub(super) fn place(&self, path: &str) -> &Place {
        let mut places = self.places.iter();
        places.find(|place| place.path == path).expect("a place")
    }

    /// Whether an account is there and neither it nor who answers for it is disabled.
    fn is_active(&self, subject: &str) -> bool {
        let Some(account) = self.accounts.get(subject) else {
            return false;
        };
        let answered_for = account.owner.as_ref();
        let answered_for = answered_for.is_none_or(|owner| self.is_active(owner));
        !account.disabled && answered_for
    }

    /// Whether what is shown is taken.
    pub(super) fn holds(&self, shown: &Credential) -> bool {
        let account = shown.account.as_deref();
        !shown.ended && account.is_none_or(|account| self.is_active(account))
    }

    /// All subjects that stand for an account or a group beside `anonymous`.
    fn subjects(&self, own: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::from([own.to_owned()]);
        // Twice: groups, and groups that hold these.
        for _ in 0..2 {
            let inside = all.clone();
            for (group, members) in &self.groups {
                if !members.is_disjoint(&inside) {
                    all.insert(format!("group:{group}"));
                }
            }
        }
        all.insert("authenticated".to_owned());
        all
    }

    fn is_open(&self, place: &Place) -> bool {
        place.open.unwrap_or_else(|| match place.kind {
            "mirror" => !place.has_password,
            "group" => {
                let mut members = place.members.iter();
                members.all(|member| self.is_open(self.place(member)))
            }
            _ => false,
        })
    }

    /// What everyone may who is at an address; `None`: at none in particular.
    fn everyone_may(
        &self,
        address: Option<&str>,
        verb: Verb,
        repository: &str,
        package: Option<&str>,
    ) -> bool {
        let is_read = matches!(verb, Verb::List | Verb::Read);
        let mut places = self.places.iter();
        let open = places.any(|place| place.path == repository && self.is_open(place));
        let is_here = |grant: &Grant| {
            grant.from.is_empty() || address.is_some_and(|it| it.starts_with(grant.from))
        };
        let granted = |grant: &Grant| {
            grant.subject == "anonymous"
                && is_here(grant)
                && grant.scope.allows(verb, repository, package)
        };
        (open && is_read) || self.grants.iter().any(granted)
    }

    /// What a subject holds by itself, its groups and as someone.
    fn subject_may(
        &self,
        subject: &str,
        verb: Verb,
        repository: &str,
        package: Option<&str>,
    ) -> bool {
        let subjects = self.subjects(subject);
        let account = self.accounts.get(subject);
        let granted = |grant: &Grant| {
            subjects.contains(&grant.subject) && grant.scope.allows(verb, repository, package)
        };
        account.is_some_and(|account| account.superuser) || self.grants.iter().any(granted)
    }

    /// What `larder can SUBJECT` says: of the subject, wherever it is.
    pub(super) fn can(
        &self,
        subject: &str,
        verb: Verb,
        repository: &str,
        package: Option<&str>,
    ) -> bool {
        let is_account = subject.starts_with("user:") || subject.starts_with("robot:");
        if is_account && !self.is_active(subject) {
            return false;
        }
        let someone = subject != "anonymous";
        self.everyone_may(None, verb, repository, package)
            || (someone && self.subject_may(subject, verb, repository, package))
    }

    /// Whether someone who shows this at an address may do that.
    pub(super) fn allows(
        &self,
        (shown, address): (&Credential, &str),
        verb: Verb,
        repository: &str,
        package: Option<&str>,
    ) -> bool {
        if !self.holds(shown) {
            return false;
        }
        let was_asked = |asked: &Asked| {
            let is_read = matches!(verb, Verb::List | Verb::Read);
            let of_package = package.map_or(is_read, |package| asked.package == package);
            asked.repository == repository && asked.verbs.contains(&verb) && of_package
        };
        let asked = shown.asked.as_ref();
        if !asked.is_none_or(|asked| asked.iter().any(was_asked)) {
            return false;
        }
        let limits = shown.limits.as_ref();
        let in_limits = limits.is_none_or(|limits| {
            let mut limits = limits.iter();
            limits.any(|limit| limit.allows(verb, repository, package))
        });
        let account = shown.account.as_deref();
        self.everyone_may(Some(address), verb, repository, package)
            || in_limits
                && account.is_some_and(|it| self.subject_may(it, verb, repository, package))
    }

    /// Whether it administers all repositories of a pattern, with all that is in them.
    pub(super) fn administers(&self, (shown, address): (&Credential, &str), pattern: &str) -> bool {
        let whole = |scope: &Scope| {
            scope.role == "admin" && scope.package == "*" && fits(&scope.repository, pattern)
        };
        let limits = shown.limits.as_ref();
        let in_limits = limits.is_none_or(|limits| limits.iter().any(whole));
        let Some(account) = shown.account.as_deref().filter(|_| self.holds(shown)) else {
            return false;
        };
        let subjects = self.subjects(account);
        let applies = |grant: &Grant| {
            let everyone = grant.subject == "anonymous" && address.starts_with(grant.from);
            everyone || subjects.contains(&grant.subject)
        };
        let granted = |grant: &Grant| applies(grant) && whole(&grant.scope);
        let superuser = self.accounts[account].superuser;
        // No bearer token is for that.
        shown.asked.is_none() && in_limits && (superuser || self.grants.iter().any(granted))
    }

    /// Whether a package is shown at a repository's address: in a group a name that is hosted in
    /// any member comes from there alone, else from the mirrors before the first that is hidden.
    pub(super) fn shows(&self, who: (&Credential, &str), place: &Place, package: &str) -> bool {
        let may_read = |path: &str| self.allows(who, Verb::Read, path, Some(package));
        let has = |place: &Place| place.packages.iter().any(|(name, _)| *name == package);
        if place.kind != "group" {
            return has(place) && may_read(place.path);
        }
        let members: Vec<&Place> = place.members.iter().map(|path| self.place(path)).collect();
        let mut owners = members
            .iter()
            .filter(|member| member.kind == "hosted" && has(member))
            .peekable();
        let there = if owners.peek().is_some() {
            owners.all(|owner| may_read(owner.path))
        } else {
            let mirrors = members.iter().filter(|member| member.kind == "mirror");
            let mut seen = mirrors.take_while(|mirror| may_read(mirror.path));
            seen.any(|mirror| has(mirror))
        };
        there && may_read(place.path)
    }
}
