//! RTC channels as a business's server sees and closes them (`alibaba.md` §3.1).

use super::*;
use crate::domain::{
    AppId, ChannelId, UserId,
    ask::Ask,
    participant::{Doing, Role},
    report::Report,
    request::Request,
};

const CHANNEL: &[(&str, &str)] = &[("AppId", "demo"), ("ChannelId", "c1")];

fn on_channel(server: &Server, action: &str, more: &[(&str, &str)]) -> (u16, Value) {
    server.call(action, &[CHANNEL, more].concat())
}

fn report(server: &Server, report: Report) {
    server.fake.call(Request::Report { app: AppId::trusted("demo"), channel: ChannelId::trusted("c1"), reports: vec![report] }).unwrap();
}

fn join(server: &Server, user: &str, role: Role) {
    report(server, Report::Join { user: UserId::trusted(user), role, relayed: false });
}

#[test]
fn users_by_role() {
    let server = Server::new();
    let users = |streamers: &[&str], viewers: &[&str], exists: bool| {
        json!({"InteractiveUserList": streamers, "InteractiveUserNumber": streamers.len(), "LiveUserList": viewers, "LiveUserNumber": viewers.len(),
               "IsChannelExists": exists, "Timestamp": server.clock.now().seconds()})
    };
    let told = || fields(on_channel(&server, "DescribeChannelUsers", &[]));
    assert_eq!(told(), users(&[], &[], false));
    for (user, role) in [("v2", Role::Viewer), ("s2", Role::Streamer), ("v1", Role::Viewer), ("s1", Role::Streamer)] {
        join(&server, user, role);
    }
    assert_eq!(told(), users(&["s2", "s1"], &["v2", "v1"], true));
    report(&server, Report::Do { user: UserId::trusted("v2"), doing: Doing::Role(Role::Streamer) });
    assert_eq!(told(), users(&["v2", "s2", "s1"], &["v1"], true));
    for user in ["v2", "s2", "v1", "s1"] {
        report(&server, Report::Leave { user: UserId::trusted(user), relayed: false });
    }
    assert_eq!(told(), users(&[], &[], true), "it was there a moment ago");
}

#[test]
fn participants_page_by_page() {
    let server = Server::new();
    let told = |more: &[(&str, &str)]| fields(on_channel(&server, "DescribeChannelParticipants", more));
    let page =
        |users: &[String], total: usize, pages: usize| json!({"UserList": users, "TotalNum": total, "TotalPage": pages, "Times": server.clock.now().seconds()});
    assert_eq!(told(&[]), page(&[], 0, 0));
    let names: Vec<String> = (0..23).map(|n| format!("u{n:02}")).collect();
    names.iter().for_each(|user| join(&server, user, Role::Viewer));
    let newest: Vec<String> = names.iter().rev().cloned().collect();
    for (more, expected) in [
        (&[][..], page(&newest[..10], 23, 3)),
        (&[("PageNum", "3")], page(&newest[20..], 23, 3)),
        (&[("PageNum", "4"), ("Order", "desc")], page(&[], 23, 3)),
        (&[("PageNum", "2147483647"), ("PageSize", "100")], page(&[], 23, 1)),
        (&[("Order", "asc"), ("PageSize", "23")], page(&names, 23, 1)),
        (&[("Order", "ASC"), ("PageNum", "2"), ("PageSize", "1")], page(&names[1..2], 23, 23)),
    ] {
        assert_eq!(told(more), expected, "{more:?}");
    }
    for more in [("PageNum", "0"), ("PageSize", "0"), ("PageSize", "101"), ("Order", "up")] {
        assert_eq!(code(&on_channel(&server, "DescribeChannelParticipants", &[more])), (400, "InputInvalid"), "{more:?}");
    }
}

#[test]
fn a_channel_is_closed() {
    let server = Server::new();
    join(&server, "u1", Role::Streamer);
    assert_eq!(fields(on_channel(&server, "DeleteChannel", &[])), json!({}));
    assert_eq!(fields(on_channel(&server, "DescribeChannelUsers", &[]))["InteractiveUserNumber"], 0);
    assert_eq!(code(&on_channel(&server, "DeleteChannel", &[])), (404, "ResourceNotExist"));
    // Another code than everywhere else, for what is absent alone.
    for (params, expected) in [
        (&[("AppId", "demo")][..], (400, "InvalidInput")),
        (&[("AppId", "demo"), ("ChannelId", "")], (400, "InvalidInput")),
        (&[("ChannelId", "c1")], (400, "InvalidInput")),
        (&[("AppId", ""), ("ChannelId", "c1")], (400, "InvalidInput")),
        (&[("AppId", "demo"), ("ChannelId", "a\nb")], (400, "InputInvalid")),
        (&[("AppId", "nobody"), ("ChannelId", "c1")], (404, "ResourceNotExist")),
    ] {
        assert_eq!(code(&server.call("DeleteChannel", params)), expected, "{params:?}");
    }
}

#[test]
fn channels_of_an_application_that_is_not_there_or_disabled() {
    let server = Server::new();
    server.fake.put(Change::App(Arc::new(App { disabled: true, ..fake::app("off") })));
    for action in ["DescribeChannelUsers", "DescribeChannelParticipants", "DeleteChannel"] {
        for (app, expected) in [("nobody", (404, "ResourceNotExist")), ("off", (403, "NoAuth"))] {
            assert_eq!(code(&server.call(action, &[("AppId", app), ("ChannelId", "c1")])), expected, "{action}");
        }
    }
    for action in ["DescribeChannelUsers", "DescribeChannelParticipants"] {
        assert_eq!(code(&server.call(action, &[("AppId", "demo")])), (400, "MissingChannelId"), "{action}");
    }
}
