from alibabacloud_live20161101 import models as live
from alibabacloud_live20161101.client import Client
from alibabacloud_tea_openapi.models import Config

client = Client(Config(access_key_id='@KEY_ID@', access_key_secret='@KEY_SECRET@',
                       endpoint='@CONTROL@', protocol='http', region_id='cn-shanghai'))
client.create_live_message_group(live.CreateLiveMessageGroupRequest(
    app_id='demo', group_id='class-1', group_name='Class 1', creator_id='alice'))
sent = client.send_live_message_group(live.SendLiveMessageGroupRequest(
    app_id='demo', group_id='lobby', sender_id='teacher', msg_type=1, body='hello from the server'))
print('group class-1 created, message', sent.body.msg_tid, 'sent to the lobby')
