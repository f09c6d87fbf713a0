//! The commands of the chat with their parameters (`tencent.md` §5).

use super::table::{
    Command,
    Kind::{self, *},
    Param, U32, command, may, must,
};
use serde_json::{Value, json};

const BIT: Kind = Int(0, 1);
const MANY: &[(&str, i64)] = &[("too many", 10005)];
/// Services of messages tell what is no list, what is no element and what is in one apart.
const OF_ELEMENTS: &[(&str, i64)] =
    &[("text", 90007), ("number", 90007), ("fraction", 90007), ("flag", 90007), ("object", 90007), ("null", 90007), ("an illegal element", 90010)];

/// Of a group; `more` stands beside its id.
fn of(group: &str, name: &'static str, mut usual: Value, mut params: Vec<Param>) -> Command {
    usual["GroupId"] = group.into();
    params.insert(0, must("/GroupId", Group).but(&[("empty", 10015), ("65 bytes", 10015), ("a control character", 10015)]));
    command(name, usual, params)
}

fn of_c1(name: &'static str, usual: Value, params: Vec<Param>) -> Command {
    of("c1", name, usual, params)
}

fn of_r1(name: &'static str, usual: Value, params: Vec<Param>) -> Command {
    of("r1", name, usual, params)
}

/// What a group may be given when it is made and later.
fn details(size: &'static str) -> Vec<Param> {
    vec![
        may("/Introduction", Text(240)),
        may("/Notification", Text(300)),
        may("/FaceUrl", Text(100)),
        may(size, Size).but(&[("too large", 10038)]),
        may("/ApplyJoinOption", OneOf(&["FreeAccess", "NeedPermission", "DisableApply"])),
        may("/AppDefinedData", Data { keys: 10, bytes: 512 }),
    ]
}

fn hello() -> Value {
    json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hi"}}])
}

/// What a message may be sent with besides its elements.
fn with_a_message() -> Vec<Param> {
    vec![may("/ForbidCallbackControl", Switches), may("/SendMsgControl", Switches), may("/CloudCustomData", Text(0)), may("/OfflinePushInfo", Object)]
}

fn letter(mut params: Vec<Param>) -> Vec<Param> {
    params.extend(with_a_message());
    params.extend([
        may("/From_Account", AnyUser).code(90008),
        must("/MsgRandom", U32).code(90005),
        must("/MsgBody", Elements).code(90002).but(OF_ELEMENTS),
        may("/SyncOtherMachine", Int(1, 2)).code(90031),
        may("/MsgLifeTime", Int(0, 604_800)).code(90044).but(&[("above the range", 90026)]),
        may("/MsgSeq", U32),
        may("/IsNeedReadReceipt", BIT),
    ]);
    params
}

fn accounts() -> Vec<Command> {
    let profile = || vec![may("/Nick", Text(500)), may("/FaceUrl", Text(500))];
    let mut import = profile();
    import.push(must("/UserID", NewUser));
    vec![
        command("im_open_login_svc/account_import", json!({"UserID": "u9"}), import),
        command("im_open_login_svc/multiaccount_import", json!({"Accounts": ["u9"]}), vec![must("/Accounts", Accounts)]),
        command("im_open_login_svc/account_delete", json!({"DeleteItem": [{"UserID": "u9"}]}), vec![must("/DeleteItem", Items)]),
        command("im_open_login_svc/account_check", json!({"CheckItem": [{"UserID": "u9"}]}), vec![must("/CheckItem", Items)]),
        command("im_open_login_svc/kick", json!({"UserID": "u1"}), vec![must("/UserID", User)]),
    ]
}

fn letters() -> Vec<Command> {
    let usual = |to: Value| json!({"From_Account": "owner", "To_Account": to, "MsgRandom": 1, "MsgBody": hello()});
    vec![
        command("openim/sendmsg", usual("u1".into()), letter(vec![must("/To_Account", User).code(90003)])),
        command("openim/batchsendmsg", usual(json!(["u1"])), letter(vec![must("/To_Account", Users(500)).code(90003).but(&[("too many", 90011)])])),
        command(
            "openim/admin_getroammsg",
            json!({"Operator_Account": "owner", "Peer_Account": "u1", "MaxCnt": 1, "MinTime": 0, "MaxTime": 1}),
            vec![
                must("/Operator_Account", User).code(90008),
                must("/Peer_Account", User).code(90003),
                must("/MaxCnt", Int(1, i64::MAX)),
                must("/MinTime", U32),
                must("/MaxTime", U32),
                may("/LastMsgKey", MsgKey { none: true }).but(&[("no key", 90054)]),
            ],
        ),
        command(
            "openim/admin_msgwithdraw",
            json!({"From_Account": "owner", "To_Account": "u1", "MsgKey": "1_1_1"}),
            vec![must("/From_Account", User).code(90008), must("/To_Account", User).code(90003), must("/MsgKey", MsgKey { none: false }).code(90054)],
        ),
        command(
            "openim/query_online_status",
            json!({"To_Account": ["u1"]}),
            vec![must("/To_Account", Users(500)).code(90003).but(&[("too many", 90011), ("no item", 90001), ("absent", 90001)]), may("/IsNeedDetail", BIT)],
        ),
    ]
}

fn groups() -> Vec<Command> {
    let mut create = details("/MaxMemberCount");
    create.extend([
        must("/Type", OneOf(&["Private", "Public", "ChatRoom", "AVChatRoom", "Community", "Work", "Meeting"])),
        must("/Name", Filled(30)),
        may("/Owner_Account", MaybeUser),
        may("/GroupId", NewGroup),
        may("/MemberList", Members { most: 100, none: true }).but(MANY),
        may("/SupportTopic", Int(0, 0)),
    ]);
    let mut modify = details("/MaxMemberNum");
    modify.extend([may("/Name", Filled(30)), may("/MuteAllMember", OneOf(&["On", "Off"])), may("/ShutUpAllMember", OneOf(&["On", "Off"]))]);
    vec![
        command("group_open_http_svc/create_group", json!({"Type": "Public", "Name": "n"}), create),
        of_c1("group_open_http_svc/destroy_group", json!({}), vec![]),
        command(
            "group_open_http_svc/get_group_info",
            json!({"GroupIdList": ["r1"]}),
            vec![
                must("/GroupIdList", Groups),
                may("/ResponseFilter", Object),
                may("/ResponseFilter/GroupBaseInfoFilter", Names),
                may("/ResponseFilter/MemberInfoFilter", Names),
                may("/ResponseFilter/AppDefinedDataFilter_Group", Names),
                may("/ResponseFilter/AppDefinedDataFilter_GroupMember", Names),
            ],
        ),
        of_c1("group_open_http_svc/modify_group_base_info", json!({}), modify),
        command(
            "group_open_http_svc/get_appid_group_list",
            json!({}),
            vec![may("/Limit", Int(0, 10_000)), may("/Next", Int(0, i64::MAX)), may("/GroupType", GroupType)],
        ),
        command(
            "group_open_http_svc/get_joined_group_list",
            json!({"Member_Account": "u1"}),
            vec![
                must("/Member_Account", User),
                may("/WithHugeGroups", BIT),
                may("/WithNoActiveGroups", BIT),
                may("/SupportTopic", BIT),
                may("/Limit", Int(0, 5_000)),
                may("/Offset", U32),
                may("/GroupType", GroupType),
                may("/ResponseFilter", Object),
                may("/ResponseFilter/GroupBaseInfoFilter", Names),
                may("/ResponseFilter/SelfInfoFilter", Names),
            ],
        ),
    ]
}

fn members() -> Vec<Command> {
    vec![
        of_c1(
            "group_open_http_svc/get_group_member_info",
            json!({}),
            vec![
                may("/Limit", Int(0, 6_000)),
                may("/Offset", U32),
                may("/Next", Place),
                may("/MemberInfoFilter", Names),
                may("/MemberRoleFilter", Roles),
                may("/AppDefinedDataFilter_GroupMember", Names),
            ],
        ),
        of_c1(
            "group_open_http_svc/add_group_member",
            json!({"MemberList": [{"Member_Account": "u9"}]}),
            vec![must("/MemberList", Members { most: 300, none: false }).but(MANY), may("/Silence", BIT)],
        ),
        of_c1(
            "group_open_http_svc/delete_group_member",
            json!({"MemberToDel_Account": ["u9"]}),
            vec![must("/MemberToDel_Account", Users(500)).but(MANY), may("/Silence", BIT), may("/Reason", Text(1_000))],
        ),
        of_c1(
            "group_open_http_svc/modify_group_member_info",
            json!({"Member_Account": "u1"}),
            vec![
                must("/Member_Account", User),
                may("/MuteTime", U32),
                may("/ShutUpTime", U32),
                may("/Role", OneOf(&["Admin", "Member"])),
                may("/MsgFlag", OneOf(&["AcceptAndNotify", "AcceptNotNotify", "Discard"])),
                may("/NameCard", Text(50)),
                may("/AppMemberDefinedData", Data { keys: 5, bytes: 64 }),
            ],
        ),
        of_c1("group_open_http_svc/get_role_in_group", json!({"User_Account": ["u1"]}), vec![must("/User_Account", Users(500)).but(MANY)]),
        of_c1("group_open_http_svc/change_group_owner", json!({"NewOwner_Account": "u1"}), vec![must("/NewOwner_Account", User)]),
        of_c1(
            "group_open_http_svc/forbid_send_msg",
            json!({"Members_Account": ["u9"], "MuteTime": 60}),
            vec![must("/Members_Account", NewUsers(500)).but(MANY), must("/MuteTime", U32), may("/TopicId", NoTopic)],
        ),
        of_c1("group_open_http_svc/get_group_muted_account", json!({}), vec![may("/TopicId", NoTopic)]),
        of_c1("group_open_http_svc/get_group_shutted_uin", json!({}), vec![may("/TopicId", NoTopic)]),
        of_r1(
            "group_open_http_svc/ban_group_member",
            json!({"Members_Account": ["u9"], "Duration": 60}),
            vec![must("/Members_Account", NewUsers(20)).but(MANY), must("/Duration", Int(1, u32::MAX.into())), may("/Description", Text(1_000))],
        ),
        of_r1("group_open_http_svc/unban_group_member", json!({"Members_Account": ["banned"]}), vec![must("/Members_Account", Users(20)).but(MANY)]),
        of_r1("group_open_http_svc/get_group_ban_member", json!({"Offset": 0}), vec![may("/Offset", U32), may("/Limit", Int(1, 100))]),
        of_r1("group_open_http_svc/get_online_member_num", json!({}), vec![]),
        of_r1("group_open_avchatroom_http_svc/get_members", json!({"Timestamp": 0}), vec![may("/Timestamp", Int(0, i64::MAX))]),
    ]
}

fn messages() -> Vec<Command> {
    let mut broadcast = with_a_message();
    broadcast.extend([must("/Random", U32), must("/MsgBody", Elements), may("/From_Account", AnyUser)]);
    let mut send = with_a_message();
    send.extend([
        must("/Random", U32),
        must("/MsgBody", Elements),
        may("/From_Account", AnyUser),
        may("/MsgPriority", OneOf(&["High", "Normal", "Low"])),
        may("/To_Account", SomeOrNo(50)),
        may("/OnlineOnlyFlag", BIT),
        may("/GroupAtInfo", Mentioned).but(&[("too many", 10053)]),
        may("/SupportMessageExtension", BIT),
        may("/TopicId", NoTopic),
    ]);
    vec![
        of_c1("group_open_http_svc/send_group_msg", json!({"Random": 1, "MsgBody": hello()}), send),
        command("group_open_http_svc/send_broadcast_msg", json!({"Random": 1, "MsgBody": hello()}), broadcast),
        of_c1(
            "group_open_http_svc/send_group_system_notification",
            json!({"Content": "c"}),
            vec![must("/Content", Filled(0)), may("/ToMembers_Account", SomeOrNo(500)).but(MANY)],
        ),
        of_c1(
            "group_open_http_svc/group_msg_get_simple",
            json!({"ReqMsgNumber": 1}),
            vec![must("/ReqMsgNumber", Int(1, u32::MAX.into())), may("/ReqMsgSeq", U32), may("/WithRecalledMsg", BIT), may("/TopicId", NoTopic)],
        ),
        of_c1(
            "group_open_http_svc/group_msg_recall",
            json!({"MsgSeqList": [{"MsgSeq": 1}]}),
            vec![must("/MsgSeqList", Seqs), may("/Reason", Text(1_000)), may("/TopicId", NoTopic)],
        ),
    ]
}

pub fn commands() -> Vec<Command> {
    let none = vec![command("ConfigSvc/GetIPList", json!({}), vec![])];
    [none, accounts(), letters(), groups(), members(), messages()].into_iter().flatten().collect()
}
