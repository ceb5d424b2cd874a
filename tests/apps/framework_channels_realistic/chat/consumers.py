from channels.generic.websocket import WebsocketConsumer


class ChatConsumer(WebsocketConsumer):
    def connect(self):
        self.accept()
        self.send(text_data=f'hello {self.scope["client"][0]}')

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=f'echo {text_data}')
