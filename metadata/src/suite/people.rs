//! Users and grants.

use super::fixture::{ALICE, assert_exists, assert_unmet};
use crate::grants::Grant;
use crate::users::{NewPassword, NewRobot, NewUser, Owner, RobotChange, User, UserFilter};
use crate::{Metadata, Requirement};
use larder_model::{Role, UserKind, UserName};

checks![
    a_user_is_told_as_it_was_made,
    a_user_s_name_is_taken_once,
    a_robot_is_told_as_it_was_made,
    a_robot_has_a_person_as_its_owner,
    a_robot_is_handed_over,
    a_robot_is_as_active_as_its_owner,
    users_come_page_by_page,
    users_are_sought_by_what_they_are,
    robots_are_sought_by_their_owner,
    a_password_is_that_of_its_user,
    a_user_changes,
    a_password_takes_the_place_of_the_one_that_was_shown,
    a_change_without_a_password_keeps_it,
    a_user_that_was_changed_meanwhile_is_not_changed,
    a_user_that_was_changed_meanwhile_is_not_dropped,
    a_dropped_user_is_gone,
    a_dropped_user_takes_its_grants_with_it,
    the_last_superuser_stays,
    a_grant_is_told_as_it_was_made,
    a_grant_keeps_its_networks,
    a_grant_keeps_its_refs,
    the_same_grant_is_made_once,
    a_dropped_grant_is_gone,
];

pub(super) fn user_name(metadata: &Metadata) -> UserName {
    let name = format!("suite-{:x}", metadata.new_id());
    name.parse().expect("name")
}

pub(super) async fn add(metadata: &Metadata, superuser: bool) -> User {
    let new = NewUser {
        name: &user_name(metadata),
        password: Some("hash".to_owned()),
        superuser,
        disabled: false,
    };
    let id = metadata.add_user(new, &ALICE).await.expect("user");
    find(metadata, id).await.expect("there")
}

async fn find(metadata: &Metadata, id: i64) -> Option<User> {
    metadata.user_by_id(id).await.expect("user")
}

async fn a_user_is_told_as_it_was_made(metadata: &Metadata) {
    let (name, before) = (user_name(metadata), metadata.now());
    let new = NewUser {
        name: &name,
        password: None,
        superuser: false,
        disabled: true,
    };
    let id = metadata.add_user(new, &ALICE).await.expect("user");
    let user = find(metadata, id).await.expect("there");
    assert_eq!((&user.name, user.kind), (&name, UserKind::Person));
    assert_eq!((user.superuser, user.disabled), (false, true));
    assert_eq!(user.owner, None);
    assert!(user.created_at > before);
}

async fn a_user_s_name_is_taken_once(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let robot = NewRobot {
        name: &user.name,
        description: "",
        owner: user.id,
    };
    let again = metadata.add_robot(robot, &ALICE);
    assert_exists(&again.await);
}

async fn add_robot(metadata: &Metadata, owner: &User) -> User {
    let robot = NewRobot {
        name: &user_name(metadata),
        description: "It builds.",
        owner: owner.id,
    };
    let id = metadata.add_robot(robot, &ALICE).await.expect("robot");
    find(metadata, id).await.expect("there")
}

/// A user as the owner of a robot.
fn answers(owner: &User) -> Owner {
    Owner {
        id: owner.id,
        name: owner.name.clone(),
        disabled: owner.disabled,
    }
}

async fn a_robot_is_told_as_it_was_made(metadata: &Metadata) {
    let owner = add(metadata, false).await;
    let robot = add_robot(metadata, &owner).await;
    assert_eq!(robot.kind, UserKind::Robot);
    assert_eq!(&*robot.description, "It builds.");
    assert_eq!(robot.owner, Some(answers(&owner)));
    assert_eq!((robot.superuser, robot.disabled), (false, false));
    assert_eq!(password(metadata, &robot).await, None);
}

async fn a_robot_has_a_person_as_its_owner(metadata: &Metadata) {
    let owner = add(metadata, false).await;
    let robot = add_robot(metadata, &owner).await;
    for owner in [robot.id, metadata.new_id()] {
        let (name, description) = (&user_name(metadata), "");
        let new = NewRobot {
            name,
            description,
            owner,
        };
        assert_unmet(metadata.add_robot(new, &ALICE).await, Requirement::Owner);
        let change = RobotChange {
            owner: Some(owner),
            ..RobotChange::default()
        };
        let changed = metadata.change_robot(robot.id, change, &ALICE).await;
        assert_unmet(changed, Requirement::Owner);
    }
}

async fn a_robot_is_handed_over(metadata: &Metadata) {
    let (owner, next) = (add(metadata, false).await, add(metadata, false).await);
    let robot = add_robot(metadata, &owner).await;
    let change = RobotChange {
        description: Some("new"),
        owner: Some(next.id),
        disabled: Some(true),
    };
    let changed = metadata.change_robot(robot.id, change, &ALICE);
    changed.await.expect("change");
    let robot = find(metadata, robot.id).await.expect("there");
    assert_eq!((&*robot.description, robot.disabled), ("new", true));
    assert_eq!(robot.owner, Some(answers(&next)));
    let of = async |owner: &User| {
        let filter = UserFilter {
            owner: Some(owner.id),
            ..UserFilter::default()
        };
        metadata.users(UserKind::Robot, filter, "", 10).await
    };
    assert_eq!(of(&owner).await.expect("robots"), []);
    assert_eq!(of(&next).await.expect("robots"), [robot]);
    let described = RobotChange {
        owner: None,
        ..change
    };
    let changed = metadata.change_robot(owner.id, described, &ALICE).await;
    assert_unmet(changed, Requirement::User);
}

async fn a_robot_is_as_active_as_its_owner(metadata: &Metadata) {
    let owner = add(metadata, false).await;
    let robot = add_robot(metadata, &owner).await;
    assert!(robot.is_active());
    let disabled = metadata
        .change_user(&owner, None, false, true, &ALICE)
        .await;
    disabled.expect("change");
    let robot = find(metadata, robot.id).await.expect("there");
    assert!(!robot.is_active());
    let owner = find(metadata, owner.id).await.expect("there");
    metadata.drop_user(&owner, &ALICE).await.expect("drop");
    let robot = find(metadata, robot.id).await.expect("there");
    assert_eq!((robot.owner.as_ref(), robot.is_active()), (None, false));
}

async fn users_come_page_by_page(metadata: &Metadata) {
    let first = add(metadata, false).await;
    let robot = add_robot(metadata, &first).await;
    let second = add(metadata, false).await;
    let page = async |kind, after: &User, limit| {
        let page = metadata
            .users(kind, UserFilter::default(), after.name.as_str(), limit)
            .await;
        page.expect("users")
    };
    let [persons, robots] = [UserKind::Person, UserKind::Robot];
    assert_eq!(
        page(persons, &first, 1).await,
        std::slice::from_ref(&second)
    );
    assert_eq!(page(persons, &first, 10).await[0], second);
    assert_eq!(page(robots, &first, 1).await, std::slice::from_ref(&robot));
    assert!(metadata.has_users().await.expect("users"));
    let named = metadata.user(robot.name.as_str()).await.expect("user");
    assert_eq!(named, Some(robot));
}

/// The names of those that a filter means, page by page.
async fn sought(metadata: &Metadata, kind: UserKind, filter: UserFilter<'_>) -> Vec<UserName> {
    let (mut names, mut after) = (Vec::<UserName>::new(), String::new());
    loop {
        let page = metadata.users(kind, filter, &after, 1).await;
        let Some(user) = page.expect("users").pop() else {
            return names;
        };
        after = user.name.to_string();
        names.push(user.name);
    }
}

async fn users_are_sought_by_what_they_are(metadata: &Metadata) {
    let own = user_name(metadata);
    let prefix = format!("{own}.");
    let mut made = Vec::new();
    for (name, superuser, disabled) in [
        ("a", false, false),
        ("b", true, false),
        ("c", false, true),
        ("d", true, true),
    ] {
        let name: UserName = format!("{prefix}{name}").parse().expect("name");
        let new = NewUser {
            name: &name,
            password: None,
            superuser,
            disabled,
        };
        metadata.add_user(new, &ALICE).await.expect("user");
        made.push(name);
    }
    let all = UserFilter {
        prefix: &prefix,
        ..UserFilter::default()
    };
    for (disabled, superuser, found) in [
        (None, None, &[0, 1, 2, 3][..]),
        (Some(true), None, &[2, 3]),
        (Some(false), None, &[0, 1]),
        (None, Some(true), &[1, 3]),
        (Some(true), Some(false), &[2]),
        (Some(false), Some(true), &[1]),
    ] {
        let filter = UserFilter {
            disabled,
            superuser,
            ..all
        };
        let found: Vec<UserName> = found.iter().map(|it: &usize| made[*it].clone()).collect();
        assert_eq!(
            sought(metadata, UserKind::Person, filter).await,
            found,
            "{filter:?}"
        );
    }
    assert!(sought(metadata, UserKind::Robot, all).await.is_empty());
}

async fn robots_are_sought_by_their_owner(metadata: &Metadata) {
    let (owner, other) = (add(metadata, false).await, add(metadata, false).await);
    let first = add_robot(metadata, &owner).await;
    add_robot(metadata, &other).await;
    let second = add_robot(metadata, &owner).await;
    let change = RobotChange {
        disabled: Some(true),
        ..RobotChange::default()
    };
    let changed = metadata.change_robot(second.id, change, &ALICE).await;
    changed.expect("change");
    let of = UserFilter {
        owner: Some(owner.id),
        ..UserFilter::default()
    };
    let found = sought(metadata, UserKind::Robot, of).await;
    assert_eq!(found, [first.name.clone(), second.name.clone()]);
    for (disabled, robot) in [(true, &second), (false, &first)] {
        let filter = UserFilter {
            disabled: Some(disabled),
            prefix: robot.name.as_str(),
            ..of
        };
        let found = sought(metadata, UserKind::Robot, filter).await;
        assert_eq!(found, std::slice::from_ref(&robot.name));
        let filter = UserFilter {
            disabled: Some(!disabled),
            ..filter
        };
        assert!(sought(metadata, UserKind::Robot, filter).await.is_empty());
    }
}

async fn password(metadata: &Metadata, user: &User) -> Option<Box<str>> {
    let found = metadata.user_with_password(user.name.as_str()).await;
    let (found, password) = found.expect("password").expect("there");
    assert_eq!(found.id, user.id);
    password
}

async fn a_password_is_that_of_its_user(metadata: &Metadata) {
    let user = add(metadata, false).await;
    assert_eq!(password(metadata, &user).await, Some("hash".into()));
    let unknown = user_name(metadata);
    let unknown = metadata.user_with_password(unknown.as_str()).await;
    assert_eq!(unknown.expect("password"), None);
}

async fn a_user_changes(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let other = Some(NewPassword::set("other".to_owned()));
    let changed = metadata.change_user(&user, other, true, true, &ALICE).await;
    changed.expect("change");
    let found = find(metadata, user.id).await.expect("there");
    assert!(found.password_changed_at > user.created_at);
    let expected = User {
        superuser: true,
        disabled: true,
        password_changed_at: found.password_changed_at,
        ..user
    };
    assert_eq!(find(metadata, expected.id).await.as_ref(), Some(&expected));
    assert_eq!(password(metadata, &expected).await, Some("other".into()));
}

async fn a_password_takes_the_place_of_the_one_that_was_shown(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let change = async |before: &str, hash: &str| {
        let new = NewPassword {
            hash: hash.to_owned(),
            before: Some(before.into()),
        };
        let changed = metadata.change_user(&user, Some(new), false, false, &ALICE);
        changed.await
    };
    change("hash", "first").await.expect("change");
    assert_unmet(change("hash", "second").await, Requirement::User);
    assert_eq!(password(metadata, &user).await, Some("first".into()));
    change("first", "second").await.expect("change");
    assert_eq!(password(metadata, &user).await, Some("second".into()));
}

async fn a_change_without_a_password_keeps_it(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let changed = metadata.change_user(&user, None, false, true, &ALICE).await;
    changed.expect("change");
    let expected = Some("hash".into());
    assert_eq!(password(metadata, &user).await, expected);
}

async fn a_user_that_was_changed_meanwhile_is_not_changed(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let changed = metadata.change_user(&user, None, false, true, &ALICE).await;
    changed.expect("change");
    let other = Some(NewPassword::set("other".to_owned()));
    let late = metadata
        .change_user(&user, other, true, false, &ALICE)
        .await;
    assert_unmet(late, Requirement::User);
    let expected = Some("hash".into());
    assert_eq!(password(metadata, &user).await, expected);
}

async fn a_user_that_was_changed_meanwhile_is_not_dropped(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let changed = metadata.change_user(&user, None, false, true, &ALICE).await;
    changed.expect("change");
    assert_unmet(metadata.drop_user(&user, &ALICE).await, Requirement::User);
}

async fn a_dropped_user_is_gone(metadata: &Metadata) {
    let user = add(metadata, false).await;
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    assert_eq!(find(metadata, user.id).await, None);
    let found = metadata.user_with_password(user.name.as_str()).await;
    assert_eq!(found.expect("password"), None);
    assert_unmet(metadata.drop_user(&user, &ALICE).await, Requirement::User);
}

fn grant(metadata: &Metadata, subject: &str, repository: &str) -> Grant {
    Grant {
        id: metadata.new_id(),
        subject: subject.into(),
        repository: repository.parse().expect("pattern"),
        package: "*".parse().expect("pattern"),
        refs: None,
        role: Role::Writer,
        created_at: metadata.now(),
        created_by: "user:suite".into(),
        networks: Vec::new(),
    }
}

pub(super) async fn add_grant(metadata: &Metadata, subject: &str, repository: &str) -> Grant {
    let grant = grant(metadata, subject, repository);
    metadata.add_grant(&grant, &ALICE).await.expect("grant");
    grant
}

async fn a_dropped_user_takes_its_grants_with_it(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let subject = |user: &User| format!("user:{}", user.name);
    let own = add_grant(metadata, &subject(&user), "oci/a").await;
    let others = add_grant(metadata, &subject(&other), "oci/a").await;
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    assert_eq!(metadata.grant(own.id).await.expect("grant"), None);
    assert!(metadata.grant(others.id).await.expect("grant").is_some());
}

async fn the_last_superuser_stays(metadata: &Metadata) {
    let last = add(metadata, true).await;
    // Those that a run before left.
    let users = metadata
        .users(UserKind::Person, UserFilter::default(), "suite-", 1000)
        .await;
    for user in users.expect("users") {
        if user.superuser && user.id != last.id && user.name.as_str().starts_with("suite-") {
            metadata.drop_user(&user, &ALICE).await.expect("drop");
        }
    }
    let refused = Requirement::OtherSuperuser;
    assert_unmet(metadata.drop_user(&last, &ALICE).await, refused);
    let changed = metadata
        .change_user(&last, None, false, false, &ALICE)
        .await;
    assert_unmet(changed, refused);
    let changed = metadata.change_user(&last, None, true, true, &ALICE).await;
    assert_unmet(changed, refused);
    let other = add(metadata, true).await;
    metadata.drop_user(&last, &ALICE).await.expect("drop");
    assert_unmet(metadata.drop_user(&other, &ALICE).await, refused);
}

/// A subject that no other check uses.
pub(super) fn subject(metadata: &Metadata) -> String {
    format!("user:{}", user_name(metadata))
}

async fn a_grant_is_told_as_it_was_made(metadata: &Metadata) {
    let grant = add_grant(metadata, &subject(metadata), "oci/a-*").await;
    let told = metadata.grant(grant.id).await.expect("grant");
    assert_eq!(told.as_ref(), Some(&grant));
    let of_subject = metadata.grants_of(&grant.subject).await;
    assert_eq!(of_subject.expect("grants"), [grant]);
}

async fn a_grant_keeps_its_networks(metadata: &Metadata) {
    let networks = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
    let networks = networks.map(|text| text.parse().expect("network")).to_vec();
    let grant = Grant {
        networks,
        ..grant(metadata, &subject(metadata), "oci/a")
    };
    metadata.add_grant(&grant, &ALICE).await.expect("grant");
    let told = metadata.grant(grant.id).await.expect("grant");
    assert_eq!(told, Some(grant));
}

/// Of one subject several stand beside each other that differ in their refs alone.
async fn a_grant_keeps_its_refs(metadata: &Metadata) {
    let subject = subject(metadata);
    let of = |refs: Option<&str>| Grant {
        refs: refs.map(|text| text.parse().expect("pattern")),
        ..grant(metadata, &subject, "oci/a")
    };
    let all = [of(Some("refs/heads/*")), of(Some("refs/tags/*")), of(None)];
    for grant in &all {
        metadata.add_grant(grant, &ALICE).await.expect("grant");
    }
    let told = metadata.grants_of(&subject).await.expect("grants");
    assert_eq!(told, all);
    assert_exists(&metadata.add_grant(&of(Some("refs/tags/*")), &ALICE).await);
}

async fn the_same_grant_is_made_once(metadata: &Metadata) {
    let subject = subject(metadata);
    add_grant(metadata, &subject, "oci/a").await;
    let again = grant(metadata, &subject, "oci/a");
    assert_exists(&metadata.add_grant(&again, &ALICE).await);
    add_grant(metadata, &subject, "oci/b").await;
}

async fn a_dropped_grant_is_gone(metadata: &Metadata) {
    let grant = add_grant(metadata, &subject(metadata), "oci/a").await;
    metadata.drop_grant(grant.id, &ALICE).await.expect("drop");
    assert_eq!(metadata.grant(grant.id).await.expect("grant"), None);
    let again = metadata.drop_grant(grant.id, &ALICE).await;
    assert_unmet(again, Requirement::Grant);
}
