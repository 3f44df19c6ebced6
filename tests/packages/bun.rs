//! bun.

use crate::house::House;
use crate::node::Node;
use larder_tests::tool;

const BUN: Node = Node {
    install: "bun install",
    frozen: "bun install --frozen-lockfile",
    publish: "bun publish",
    lock: "bun.lock",
    integrity: true,
    whys: &["error: ", "4", "- "],
};

#[test]
fn bun() {
    let (Some(bun), Some(npm)) = (tool("bun"), tool("npm")) else {
        return;
    };
    let house = House::open("bun", "bun", "npm", &[&bun, &npm]);
    let maker = BUN.publish_and_install(&house);
    Node::asks(
        &maker,
        &[
            ("bun info @acme/probe dist-tags", "1.1.0"),
            ("bun pm view demo version", "1.0.0"),
        ],
    );
    BUN.is_served_and_refused(&house);
}
