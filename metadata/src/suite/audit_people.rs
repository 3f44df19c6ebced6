//! That the audit trail tells of users, groups, tokens and grants.

use super::audit::{line, told};
use super::fixture::{ALICE, BOB, assert_unmet};
use crate::grants::Grant;
use crate::groups::MemberId;
use crate::tokens::Token;
use crate::users::{NewPassword, NewRobot, NewUser, RobotChange, User};
use crate::{Metadata, Requirement};
use larder_model::{Role, Timestamp, TokenKind, UserName};
use serde_json::json;

checks![
    accounts_are_told_without_their_passwords,
    robots_are_told,
    groups_are_told_with_the_names_of_members,
    tokens_are_told_at_their_owner,
    grants_are_told_at_their_repositories,
    a_change_of_what_was_read_too_early_leaves_no_entry,
];

fn name(metadata: &Metadata) -> UserName {
    let name = format!("u{:x}", metadata.new_id());
    name.parse().expect("name")
}

async fn user(metadata: &Metadata, superuser: bool) -> User {
    let name = name(metadata);
    let new = NewUser {
        name: &name,
        password: Some("a hash".to_owned()),
        superuser,
        disabled: false,
    };
    let id = metadata.add_user(new, &BOB).await.expect("user");
    row(metadata, id).await
}

async fn row(metadata: &Metadata, id: i64) -> User {
    let user = metadata.user_by_id(id).await.expect("user");
    user.expect("there")
}

async fn robot(metadata: &Metadata, owner: i64) -> User {
    let name = name(metadata);
    let new = NewRobot {
        name: &name,
        description: "builds",
        owner,
    };
    let id = metadata.add_robot(new, &BOB).await.expect("robot");
    row(metadata, id).await
}

async fn accounts_are_told_without_their_passwords(metadata: &Metadata) {
    let user = user(metadata, false).await;
    let changed = metadata.change_user(
        &user,
        Some(NewPassword::set("new hash".to_owned())),
        false,
        true,
        &ALICE,
    );
    changed.await.expect("change");
    let user = row(metadata, user.id).await;
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    let made = json!({"superuser": false, "disabled": false});
    let changed = json!({"superuser": false, "disabled": true, "password_changed": true});
    assert_eq!(
        told(metadata, &format!("user:{}", user.name)).await,
        [
            line("user.create", "user:bob", made),
            line("user.change", "user:alice", changed),
            line("user.delete", "user:alice", json!({})),
        ]
    );
}

async fn robots_are_told(metadata: &Metadata) {
    let owner = user(metadata, false).await;
    let robot = robot(metadata, owner.id).await;
    let change = RobotChange {
        description: Some("tests"),
        ..RobotChange::default()
    };
    let changed = metadata.change_robot(robot.id, change, &ALICE);
    changed.await.expect("change");
    metadata.drop_user(&robot, &ALICE).await.expect("drop");
    let made = json!({"description": "builds", "owner_id": owner.id.to_string()});
    let changed = json!({"description": "tests", "owner_id": null, "disabled": null});
    assert_eq!(
        told(metadata, &format!("robot:{}", robot.name)).await,
        [
            line("robot.create", "user:bob", made),
            line("robot.change", "user:alice", changed),
            line("robot.delete", "user:alice", json!({})),
        ]
    );
}

async fn groups_are_told_with_the_names_of_members(metadata: &Metadata) {
    let owner = user(metadata, false).await;
    let robot = robot(metadata, owner.id).await;
    let made = metadata.add_group(&name(metadata), "words", &BOB).await;
    let group = made.expect("group");
    let other = metadata.add_group(&name(metadata), "", &BOB).await;
    let other = other.expect("group");
    let members = [
        MemberId::User(owner.id),
        MemberId::User(robot.id),
        MemberId::Group(other.id),
    ];
    for member in members {
        let added = metadata.add_member(group.id, member, &ALICE).await;
        added.expect("add");
    }
    let removed = metadata.remove_member(group.id, members[1], &ALICE).await;
    removed.expect("remove");
    let described = metadata.describe_group(group.id, "other words", &ALICE);
    described.await.expect("describe");
    metadata.drop_group(&group, &ALICE).await.expect("drop");
    let member = |label: String| json!({"member": label});
    let robot = format!("robot:{}", robot.name);
    assert_eq!(
        told(metadata, &format!("group:{}", group.name)).await,
        [
            line("group.create", "user:bob", json!({"description": "words"})),
            line(
                "member.add",
                "user:alice",
                member(format!("user:{}", owner.name))
            ),
            line("member.add", "user:alice", member(robot.clone())),
            line(
                "member.add",
                "user:alice",
                member(format!("group:{}", other.name))
            ),
            line("member.remove", "user:alice", member(robot)),
            line(
                "group.change",
                "user:alice",
                json!({"description": "other words"})
            ),
            line("group.delete", "user:alice", json!({})),
        ]
    );
}

async fn tokens_are_told_at_their_owner(metadata: &Metadata) {
    let user = user(metadata, false).await;
    let token = Token {
        id: metadata.new_id(),
        owner: user.id,
        name: "build".into(),
        kind: TokenKind::Access,
        grants: None,
        created_at: metadata.now(),
        expires_at: None,
        last_used_at: Timestamp(0),
        last_used_from: "".into(),
    };
    let hash = format!("hash {}", token.id);
    metadata
        .add_token(&token, &hash, &ALICE)
        .await
        .expect("add");
    let dropped = metadata.drop_token(token.id, user.id, &BOB).await;
    dropped.expect("drop");
    let id = token.id.to_string();
    let made = json!({"id": id, "name": "build", "kind": TokenKind::Access, "grants": null,
        "expires_at": null});
    let object = format!("user:{}", user.name);
    assert_eq!(
        told(metadata, &object).await[1..],
        [
            line("token.create", "user:alice", made.clone()),
            line("token.delete", "user:bob", made),
        ]
    );
    let again = metadata.drop_token(token.id, user.id, &BOB).await;
    assert_unmet(again, Requirement::Token);
    assert_eq!(told(metadata, &object).await.len(), 3);
}

async fn grants_are_told_at_their_repositories(metadata: &Metadata) {
    let repository = format!("oci/{}", name(metadata));
    let grant = Grant {
        id: metadata.new_id(),
        subject: "user:carol".into(),
        repository: repository.parse().expect("pattern"),
        package: "app*".parse().expect("pattern"),
        refs: None,
        role: Role::Writer,
        created_at: metadata.now(),
        created_by: "user:alice".into(),
        networks: Vec::new(),
    };
    metadata.add_grant(&grant, &ALICE).await.expect("add");
    metadata.drop_grant(grant.id, &BOB).await.expect("drop");
    let id = grant.id.to_string();
    let made = json!({"id": id, "subject": "user:carol", "package": "app*", "role": "writer",
        "networks": []});
    assert_eq!(
        told(metadata, &repository).await,
        [
            line("grant.create", "user:alice", made.clone()),
            line("grant.delete", "user:bob", made),
        ]
    );
}

async fn a_change_of_what_was_read_too_early_leaves_no_entry(metadata: &Metadata) {
    let user = user(metadata, false).await;
    let stale = User {
        disabled: true,
        ..user.clone()
    };
    let dropped = metadata.drop_user(&stale, &ALICE).await;
    assert_unmet(dropped, Requirement::User);
    let object = format!("user:{}", user.name);
    assert_eq!(told(metadata, &object).await.len(), 1);
}
