//! All operations with their parameters, as the documents have them: what each may hold, and whether it
//! may be left out.

use Kind::*;
use Need::*;

/// What a parameter may hold (`alibaba.md` §2, §3).
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    AppId,
    DataCenter,
    /// Names what is to be made: letters, digits, `_` and `-`.
    NewId,
    /// Names something, wherever that was made: 1 to 64 bytes without control characters. It need not be there.
    Id,
    /// The same of a group that must be there, deleted or not.
    Group,
    /// Of a group that must be alive.
    LiveGroup,
    /// Of a user who must be online.
    Online,
    /// Of a message that must have been sent to the group or the user.
    Message,
    /// At most so many of [`Id`].
    Ids(usize),
    /// At most so many of [`NewId`].
    NewIds(usize),
    /// At most so many bytes.
    Text(usize),
    /// 2 to 16 characters.
    AppName,
    Url,
    Flag,
    Int(i64, i64),
    /// Of a channel in which somebody is.
    OpenChannel,
    /// Of a subscription that is there.
    Subscription,
    /// `ChannelEvent`, `UserEvent` or both.
    Events,
    /// A second within the last 7 days.
    Recent,
    /// `asc` or `desc`.
    Order,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Need {
    Optional,
    /// The gateway says `Missing…`.
    Required,
    /// Declared optional, and yet `InputInvalid` when it is absent.
    Demanded,
    /// Declared optional, and yet `InvalidInput` when it is absent.
    Asked,
}

pub struct Param {
    pub name: &'static str,
    pub need: Need,
    pub kind: Kind,
    /// What the other cases send; empty: they leave it out, unless the test's town has a value for it.
    pub usual: &'static str,
}

pub struct Operation {
    pub name: &'static str,
    pub params: Vec<Param>,
}

impl Kind {
    /// It names what must be there.
    pub fn is_there(self) -> bool {
        matches!(self, Group | LiveGroup | Online | Message | OpenChannel | Subscription)
    }
}

const INFO: Kind = Text(512);
const GROUP_INFO: Kind = Text(32 * 1024);
const BODY: Kind = Text(15 * 1024);
const SORT: Kind = Int(1, 2);
const PAGE: Kind = Int(10, 50);
const TOKEN: Kind = Int(-1, i64::MAX);
const SECONDS: Kind = Int(0, i64::MAX);
const INT32: Kind = Int(i32::MIN as i64, i32::MAX as i64);

/// Operation, then its parameters but for `DataCenter`, which all of messaging have.
#[rustfmt::skip]
pub fn operations() -> Vec<Operation> {
    let app = ("AppId", Required, AppId, "");
    let group = ("GroupId", Required, Group, "g1");
    let live_group = ("GroupId", Required, LiveGroup, "g1");
    type Row = (&'static str, Need, Kind, &'static str);
    let rows: Vec<(&str, Vec<Row>)> = vec![
        ("CreateLiveMessageApp", vec![
            ("AppName", Optional, AppName, ""), ("AuditType", Optional, Int(0, 2), "0"), ("AuditUrl", Optional, Url, "http://audit.example.com/a"),
            ("EventCallbackUrl", Optional, Url, ""), ("MsgLifeCycle", Optional, Int(0, 2), ""),
        ]),
        ("DescribeLiveMessageApp", vec![app]),
        ("ListLiveMessageApps", vec![("SortType", Required, SORT, "1"), ("NextPageToken", Optional, TOKEN, "")]),
        ("ModifyLiveMessageAppAudit", vec![app, ("AuditType", Optional, Int(0, 2), "0"), ("AuditUrl", Optional, Url, "http://audit.example.com/a")]),
        ("ModifyLiveMessageAppCallback", vec![app, ("EventCallbackUrl", Optional, Url, "")]),
        ("ModifyLiveMessageAppDisable", vec![app, ("Disable", Optional, Flag, "false")]),

        ("CreateLiveMessageGroup", vec![
            app, ("GroupId", Required, NewId, "new"), ("GroupName", Optional, Text(128), ""), ("GroupInfo", Optional, GROUP_INFO, ""),
            ("CreatorId", Optional, NewId, ""), ("Administrators", Optional, NewIds(3), ""),
        ]),
        ("ModifyLiveMessageGroup", vec![
            app, live_group, ("ModifyAdmin", Optional, Flag, "true"), ("AdminList", Optional, NewIds(3), "a1"), ("ModifyInfo", Optional, Flag, "true"),
            ("GroupInfo", Optional, GROUP_INFO, "info"),
        ]),
        ("DescribeLiveMessageGroup", vec![app, group]),
        ("ListLiveMessageGroups", vec![
            app, ("SortType", Required, SORT, "1"), ("GroupStatus", Optional, Int(0, 2), ""), ("NextPageToken", Optional, TOKEN, ""),
        ]),
        ("ListLiveMessageGroupByPage", vec![
            app, ("SortType", Required, SORT, "1"), ("GroupStatus", Optional, Int(0, 2), ""), ("PageNumber", Optional, Int(1, 10_000), ""),
            ("PageSize", Optional, Int(1, 50), ""),
        ]),
        ("DeleteLiveMessageGroup", vec![app, ("GroupId", Required, Id, "g1"), ("OperatorId", Optional, Id, "")]),
        ("RecoverLiveMessageDeletedGroup", vec![app, ("GroupId", Required, Group, "gone")]),

        ("BanLiveMessageGroup", vec![app, live_group, ("ExceptUsers", Optional, Ids(30), "")]),
        ("UnbanLiveMessageGroup", vec![app, live_group]),
        ("AddLiveMessageGroupBand", vec![app, live_group, ("BannedUsers", Required, Ids(30), "u9")]),
        ("RemoveLiveMessageGroupBand", vec![app, live_group, ("UnbannedUsers", Required, Ids(30), "u9")]),
        ("ModifyLiveMessageGroupBand", vec![
            app, live_group, ("BannedAll", Optional, Flag, "true"), ("BannnedUsers", Optional, Ids(30), "u9"), ("ExceptUsers", Optional, Ids(30), ""),
        ]),
        ("DescribeLiveMessageGroupBand", vec![app, live_group]),
        ("KickLiveMessageGroupUser", vec![app, live_group, ("KickoffUser", Required, Online, "u1")]),
        ("ListLiveMessageGroupUsers", vec![
            app, live_group, ("SortType", Required, SORT, "1"), ("PageSize", Required, PAGE, "10"), ("NextPageToken", Optional, TOKEN, ""),
        ]),
        ("CheckLiveMessageUsersInGroup", vec![app, live_group, ("UserIds", Required, Ids(100), "u1")]),
        ("CheckLiveMessageUsersOnline", vec![app, ("UserIds", Required, Ids(100), "u1")]),
        ("ModifyLiveMessageUserInfo", vec![app, ("UserId", Required, Online, "u1"), ("UserMetaInfo", Optional, INFO, "info")]),

        ("SendLiveMessageGroup", vec![
            app, live_group, ("SenderId", Required, Id, "s"), ("SenderMetaInfo", Optional, INFO, ""), ("Body", Optional, BODY, "hi"),
            ("MsgType", Optional, INT32, ""), ("MsgTid", Optional, Id, ""), ("StaticsIncrease", Optional, INT32, ""), ("Weight", Optional, INT32, ""),
            ("NoStorage", Optional, Flag, ""), ("NoCache", Optional, Flag, ""),
        ]),
        ("SendLiveMessageUser", vec![
            app, ("SenderId", Required, Id, "s"), ("ReceiverId", Required, Online, "u1"), ("SenderInfo", Optional, INFO, ""),
            ("Body", Optional, BODY, "hi"), ("MsgType", Optional, INT32, ""), ("MsgTid", Optional, Id, ""), ("Storage", Optional, Flag, ""),
            ("HighReliability", Optional, Flag, ""),
        ]),
        ("DeleteLiveMessageGroupMessage", vec![
            app, group, ("MessageId", Required, Message, "t1"), ("DeleterId", Optional, Id, ""), ("DeleterInfo", Optional, INFO, ""),
        ]),
        ("DeleteLiveMessageUserMessage", vec![
            app, ("MessageId", Required, Message, "t1"), ("ReceiverId", Required, Id, "u1"), ("DeleterId", Demanded, Id, "d"),
            ("DeleterInfo", Optional, INFO, ""),
        ]),
        ("ListLiveMessageGroupMessages", vec![
            app, group, ("SortType", Required, SORT, "1"), ("PageSize", Required, PAGE, "10"), ("NextPageToken", Optional, TOKEN, ""),
            ("BeginTime", Optional, SECONDS, ""), ("EndTime", Optional, SECONDS, ""), ("MsgType", Optional, INT32, ""),
        ]),
    ];
    let subscription = ("SubscribeId", Required, Subscription, "");
    let url = ("CallbackUrl", Required, Url, "http://cb.example.com/rtc");
    let events = ("Events", Required, Events, "UserEvent");
    let (channel, users) = (("ChannelId", Optional, Id, "c1"), ("Users", Optional, Ids(100), ""));
    let (number, size) = (Int(1, i32::MAX as i64), Int(1, 100));
    let rtc_rows: Vec<(&str, Vec<Row>)> = vec![
        ("CreateEventSub", vec![app, url, events, channel, users]),
        ("UpdateEventSub", vec![app, subscription, url, events, channel, users]),
        ("DeleteEventSub", vec![app, subscription]),
        ("ListEventSub", vec![app]),
        ("ListEventSubEvent", vec![
            app, ("StartTime", Required, Recent, ""), ("EndTime", Required, Recent, ""), ("PageNo", Required, number, "1"),
            ("PageSize", Required, size, "10"), ("SubscribeId", Optional, Id, ""),
        ]),
        ("DescribeChannelUsers", vec![app, ("ChannelId", Required, Id, "c1")]),
        ("DescribeChannelParticipants", vec![
            app, ("ChannelId", Required, Id, "c1"), ("PageNum", Optional, number, ""), ("PageSize", Optional, size, ""), ("Order", Optional, Order, ""),
        ]),
        ("DeleteChannel", vec![("AppId", Asked, AppId, ""), ("ChannelId", Asked, OpenChannel, "c1")]),
    ];
    let center = ("DataCenter", Optional, DataCenter, "");
    let param = |(name, need, kind, usual)| Param { name, need, kind, usual };
    let messaging = rows.into_iter().map(|(name, params)| (name, [params, vec![center]].concat()));
    messaging.chain(rtc_rows).map(|(name, params)| Operation { name, params: params.into_iter().map(param).collect() }).collect()
}
