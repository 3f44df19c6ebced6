//! Groups, and who is in them.

use super::fixture::{ALICE, assert_exists, assert_unmet};
use crate::groups::{Group, MemberId, MemberKind, Membership};
use crate::users::{NewRobot, NewUser, User};
use crate::{Metadata, Requirement};
use larder_model::{UserKind, UserName};

checks![
    a_group_is_told_as_it_was_made,
    a_group_s_name_is_taken_once,
    groups_come_page_by_page,
    a_group_is_described,
    members_come_page_by_page,
    a_member_is_added_once,
    a_member_that_is_gone_is_not_added,
    a_group_holds_groups_that_hold_none,
    a_group_does_not_hold_itself,
    of_two_groups_that_take_each_other_one_does,
    the_groups_of_a_user_are_told,
    a_member_is_removed,
    a_dropped_user_is_in_no_group,
    a_dropped_group_is_in_no_group,
    a_change_of_members_tells_other_servers,
];

fn name(metadata: &Metadata) -> UserName {
    let name = format!("suite-{:016x}", metadata.new_id());
    name.parse().expect("name")
}

async fn add(metadata: &Metadata) -> Group {
    let added = metadata.add_group(&name(metadata), "", &ALICE).await;
    added.expect("group")
}

async fn add_user(metadata: &Metadata, kind: UserKind) -> User {
    let person = NewUser {
        name: &name(metadata),
        password: None,
        superuser: false,
        disabled: false,
    };
    let mut id = metadata.add_user(person, &ALICE).await.expect("user");
    if kind == UserKind::Robot {
        let robot = NewRobot {
            name: &name(metadata),
            description: "",
            owner: id,
        };
        id = metadata.add_robot(robot, &ALICE).await.expect("robot");
    }
    let user = metadata.user_by_id(id).await.expect("user");
    user.expect("there")
}

async fn put(metadata: &Metadata, group: &Group, member: MemberId) {
    let added = metadata.add_member(group.id, member, &ALICE).await;
    added.expect("member");
}

async fn members(metadata: &Metadata, group: &Group) -> Vec<(MemberKind, Box<str>)> {
    let members = metadata.group_members(group.id, ("", ""), 100).await;
    let members = members.expect("members").into_iter();
    members.map(|member| (member.kind, member.name)).collect()
}

async fn a_group_is_told_as_it_was_made(metadata: &Metadata) {
    let (name, before) = (name(metadata), metadata.now());
    let made = metadata.add_group(&name, "Who builds.", &ALICE).await;
    let made = made.expect("group");
    let found = metadata.group(name.as_str()).await.expect("group");
    assert_eq!(found.as_ref(), Some(&made));
    assert_eq!((&made.name, &*made.description), (&name, "Who builds."));
    assert!(made.created_at > before);
    assert_eq!(metadata.group("suite-none").await.expect("group"), None);
}

async fn a_group_s_name_is_taken_once(metadata: &Metadata) {
    let group = add(metadata).await;
    assert_exists(&metadata.add_group(&group.name, "", &ALICE).await);
}

async fn groups_come_page_by_page(metadata: &Metadata) {
    let (first, second) = (add(metadata).await, add(metadata).await);
    let page = metadata.groups("", first.name.as_str(), 1).await;
    assert_eq!(page.expect("groups"), std::slice::from_ref(&second));
    let sought = metadata.groups(second.name.as_str(), "", 10).await;
    assert_eq!(sought.expect("groups"), std::slice::from_ref(&second));
    let (prefix, after) = (second.name.as_str(), second.name.as_str());
    let sought = metadata.groups(prefix, after, 10).await;
    assert!(sought.expect("groups").is_empty());
    let page = metadata.groups("", second.name.as_str(), 1).await;
    assert!(
        page.expect("groups")
            .iter()
            .all(|group| group.name > second.name)
    );
}

async fn a_group_is_described(metadata: &Metadata) {
    let group = add(metadata).await;
    let described = metadata.describe_group(group.id, "new", &ALICE).await;
    described.expect("described");
    let found = metadata.group(group.name.as_str()).await.expect("group");
    assert_eq!(&*found.expect("there").description, "new");
    metadata.drop_group(&group, &ALICE).await.expect("dropped");
    let described = metadata.describe_group(group.id, "again", &ALICE).await;
    assert_unmet(described, Requirement::Group);
}

async fn members_come_page_by_page(metadata: &Metadata) {
    let (group, inner) = (add(metadata).await, add(metadata).await);
    let user = add_user(metadata, UserKind::Person).await;
    let robot = add_user(metadata, UserKind::Robot).await;
    put(metadata, &group, MemberId::User(robot.id)).await;
    put(metadata, &group, MemberId::User(user.id)).await;
    put(metadata, &group, MemberId::Group(inner.id)).await;
    let all = members(metadata, &group).await;
    let expected = [
        (MemberKind::Group, inner.name.as_str().into()),
        (
            MemberKind::User(UserKind::Person),
            user.name.as_str().into(),
        ),
        (
            MemberKind::User(UserKind::Robot),
            robot.name.as_str().into(),
        ),
    ];
    assert_eq!(all, expected);
    let after = ("group", inner.name.as_str());
    let page = metadata.group_members(group.id, after, 1).await;
    assert_eq!(&*page.expect("members")[0].name, user.name.as_str());
    let after = ("user", robot.name.as_str());
    let page = metadata.group_members(group.id, after, 1).await;
    assert_eq!(page.expect("members"), []);
}

async fn a_member_is_added_once(metadata: &Metadata) {
    let (group, inner) = (add(metadata).await, add(metadata).await);
    let user = add_user(metadata, UserKind::Person).await;
    for member in [MemberId::User(user.id), MemberId::Group(inner.id)] {
        put(metadata, &group, member).await;
        let before = metadata.group_members(group.id, ("", ""), 9).await;
        put(metadata, &group, member).await;
        let after = metadata.group_members(group.id, ("", ""), 9).await;
        assert_eq!(before.expect("members"), after.expect("members"));
    }
}

async fn a_member_that_is_gone_is_not_added(metadata: &Metadata) {
    let (group, gone) = (add(metadata).await, add(metadata).await);
    metadata.drop_group(&gone, &ALICE).await.expect("dropped");
    for member in [MemberId::User(gone.id), MemberId::Group(gone.id)] {
        let added = metadata.add_member(group.id, member, &ALICE).await;
        assert_unmet(added, Requirement::Member);
    }
    let user = add_user(metadata, UserKind::Person).await;
    let member = MemberId::User(user.id);
    let added = metadata.add_member(gone.id, member, &ALICE).await;
    assert_unmet(added, Requirement::Member);
}

async fn a_group_holds_groups_that_hold_none(metadata: &Metadata) {
    let [outer, middle, inner] = [
        add(metadata).await,
        add(metadata).await,
        add(metadata).await,
    ];
    put(metadata, &middle, MemberId::Group(inner.id)).await;
    for (group, member) in [(&outer, &middle), (&inner, &outer)] {
        let member = MemberId::Group(member.id);
        let added = metadata.add_member(group.id, member, &ALICE).await;
        assert_unmet(added, Requirement::Member);
    }
    put(metadata, &outer, MemberId::Group(inner.id)).await;
}

async fn a_group_does_not_hold_itself(metadata: &Metadata) {
    let group = add(metadata).await;
    let member = MemberId::Group(group.id);
    let added = metadata.add_member(group.id, member, &ALICE).await;
    assert_unmet(added, Requirement::Member);
}

async fn of_two_groups_that_take_each_other_one_does(metadata: &Metadata) {
    for _ in 0..8 {
        let (one, other) = (add(metadata).await, add(metadata).await);
        let (to_one, to_other) = (MemberId::Group(other.id), MemberId::Group(one.id));
        let (first, second) = tokio::join!(
            metadata.add_member(one.id, to_one, &ALICE),
            metadata.add_member(other.id, to_other, &ALICE),
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    }
}

async fn the_groups_of_a_user_are_told(metadata: &Metadata) {
    let [outer, inner] = [add(metadata).await, add(metadata).await];
    let user = add_user(metadata, UserKind::Robot).await;
    put(metadata, &inner, MemberId::User(user.id)).await;
    put(metadata, &outer, MemberId::Group(inner.id)).await;
    let inner = Box::<str>::from(inner.name.as_str());
    let direct = Membership {
        group: inner.clone(),
        through: None,
    };
    let indirect = Membership {
        group: outer.name.as_str().into(),
        through: Some(inner),
    };
    let groups = metadata.groups_of(user.id).await.expect("groups");
    assert_eq!(groups, [direct, indirect]);
}

async fn a_member_is_removed(metadata: &Metadata) {
    let group = add(metadata).await;
    let user = add_user(metadata, UserKind::Person).await;
    let member = MemberId::User(user.id);
    put(metadata, &group, member).await;
    let removed = metadata.remove_member(group.id, member, &ALICE).await;
    removed.expect("removed");
    assert_eq!(members(metadata, &group).await, []);
    let removed = metadata.remove_member(group.id, member, &ALICE).await;
    assert_unmet(removed, Requirement::Member);
}

async fn a_dropped_user_is_in_no_group(metadata: &Metadata) {
    let group = add(metadata).await;
    let user = add_user(metadata, UserKind::Person).await;
    put(metadata, &group, MemberId::User(user.id)).await;
    metadata.drop_user(&user, &ALICE).await.expect("dropped");
    assert_eq!(members(metadata, &group).await, []);
    assert_eq!(metadata.groups_of(user.id).await.expect("groups"), []);
}

async fn a_dropped_group_is_in_no_group(metadata: &Metadata) {
    let [outer, inner] = [add(metadata).await, add(metadata).await];
    let user = add_user(metadata, UserKind::Person).await;
    put(metadata, &inner, MemberId::User(user.id)).await;
    put(metadata, &outer, MemberId::Group(inner.id)).await;
    metadata.drop_group(&inner, &ALICE).await.expect("dropped");
    assert_eq!(members(metadata, &outer).await, []);
    assert_eq!(metadata.groups_of(user.id).await.expect("groups"), []);
    let dropped = metadata.drop_group(&inner, &ALICE).await;
    assert_unmet(dropped, Requirement::Group);
}

async fn a_change_of_members_tells_other_servers(metadata: &Metadata) {
    let group = add(metadata).await;
    let user = add_user(metadata, UserKind::Person).await;
    let version = async || metadata.policy_version().await.expect("version");
    let before = version().await;
    put(metadata, &group, MemberId::User(user.id)).await;
    let put_in = version().await;
    let removed = metadata
        .remove_member(group.id, MemberId::User(user.id), &ALICE)
        .await;
    removed.expect("removed");
    let taken_out = version().await;
    metadata.drop_group(&group, &ALICE).await.expect("dropped");
    let versions = [before, put_in, taken_out, version().await];
    for pair in versions.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}
