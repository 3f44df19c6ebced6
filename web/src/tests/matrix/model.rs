//! The model: what callers are, what calls ask for, and what follows.

use larder_model::Role;

/// What a caller is where the matrix looks: its account, and its role in the repository `oci/team-a`.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) name: &'static str,
    /// `None`: it shows no credentials.
    pub(super) account: Option<Account>,
    pub(super) role: Option<Role>,
}

/// What credentials are worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Nothing: they do not hold, or not any more.
    Void,
    /// A user's or a robot's.
    Someone,
    /// The same, limited to some repositories.
    Limited,
    /// Everything.
    Superuser,
}

const fn standing(name: &'static str, account: Option<Account>, role: Option<Role>) -> Standing {
    Standing {
        name,
        account,
        role,
    }
}

const SOMEONE: Option<Account> = Some(Account::Someone);
const LIMITED: Option<Account> = Some(Account::Limited);
const VOID: Option<Account> = Some(Account::Void);

pub(super) const CALLERS: &[Standing] = &[
    standing("anonymous", None, None),
    standing("anonymous in its network", None, Some(Role::Reader)),
    standing("anonymous outside its network", None, None),
    standing("no grant", SOMEONE, None),
    standing("reader", SOMEONE, Some(Role::Reader)),
    standing("writer", SOMEONE, Some(Role::Writer)),
    standing("maintainer", SOMEONE, Some(Role::Maintainer)),
    standing("admin", SOMEONE, Some(Role::Admin)),
    standing("admin elsewhere", SOMEONE, None),
    standing("member of a group", SOMEONE, Some(Role::Writer)),
    standing("member of a nested group", SOMEONE, Some(Role::Maintainer)),
    standing("removed member", SOMEONE, None),
    standing("robot, wide", SOMEONE, Some(Role::Admin)),
    standing("robot, narrow token", LIMITED, Some(Role::Reader)),
    standing("robot of a disabled owner", VOID, None),
    standing("robot of a deleted owner", VOID, None),
    standing("limited token of a superuser", LIMITED, Some(Role::Admin)),
    standing("token limited to elsewhere", LIMITED, None),
    standing("expired token", VOID, None),
    standing("revoked token", VOID, None),
    standing("disabled user", VOID, None),
    standing("unknown token", VOID, None),
    standing("superuser", Some(Account::Superuser), Some(Role::Admin)),
];

/// What a call asks for.
#[derive(Clone, Copy)]
pub(super) enum Asks {
    /// No credentials are looked at.
    Nothing,
    /// Nothing, but credentials that are shown must hold.
    Anyone,
    /// Someone.
    Identified,
    /// Someone with all its rights.
    Unlimited,
    /// A superuser with all its rights.
    Superuser,
    /// The same, and to others it looks as if there were nothing.
    HiddenFromOthers,
    /// That, where a limited token of a superuser is told that it is limited.
    HiddenUnlimited,
    /// To read.
    Read,
    /// To read, and to others there is nothing, whoever they are.
    ReadHidden,
    /// To read what the path names, and to write where the body says: in the same repository.
    ReadAndWrite,
    /// A role in the repository.
    Role(Role),
    /// To administer the repository with all its rights.
    AdminUnlimited,
    /// That, and to others it looks as if there were nothing.
    AdminHidden,
}

/// The status with which a call is refused; `None`: it is not.
pub(super) fn refused(asks: Asks, caller: Standing) -> Option<u16> {
    use Account::{Limited, Superuser, Void};
    let anonymous = caller.account.is_none();
    let limited = caller.account == Some(Limited);
    let superuser = caller.account == Some(Superuser);
    let holds = |role: Role| caller.role.is_some_and(|held| held >= role);
    let unless = |may: bool, status: u16| (!may).then_some(status);
    match asks {
        Asks::Nothing => None,
        _ if caller.account == Some(Void) => Some(401),
        Asks::Anyone => None,
        Asks::Read if holds(Role::Reader) => None,
        Asks::ReadHidden => unless(holds(Role::Reader), 404),
        _ if anonymous => Some(401),
        Asks::Identified => None,
        Asks::Unlimited => unless(!limited, 403),
        Asks::Superuser => unless(superuser, 403),
        Asks::HiddenFromOthers => unless(superuser, 404),
        Asks::HiddenUnlimited if limited => Some(403),
        Asks::HiddenUnlimited => unless(superuser, 404),
        Asks::Read => Some(404),
        Asks::ReadAndWrite if !holds(Role::Reader) => Some(404),
        Asks::ReadAndWrite => unless(holds(Role::Writer), 403),
        Asks::Role(role) => unless(holds(role), 403),
        Asks::AdminUnlimited => unless(holds(Role::Admin) && !limited, 403),
        Asks::AdminHidden if limited => Some(403),
        Asks::AdminHidden => unless(holds(Role::Admin), 404),
    }
}
