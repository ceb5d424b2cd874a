"""Keeps notes in each database that it is told of."""

import os
import socket

import psycopg
import pymongo
import pymysql
import redis
from flask import Flask, jsonify

app = Flask(__name__)
env = os.environ


def mongo():
    return pymongo.MongoClient(env["MONGO_URL"], serverSelectionTimeoutMS=3000).site.notes


def postgres():
    return psycopg.connect(env["POSTGRES_URL"], connect_timeout=3, autocommit=True)


def mariadb():
    return pymysql.connect(
        host="mariadb",
        user=env["MARIADB_USER"],
        password=env["MARIADB_PASSWORD"],
        database=env["MARIADB_DATABASE"],
        connect_timeout=3,
        autocommit=True,
    )


def in_sql(connect, note):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS notes (text VARCHAR(99))")
        if note is not None:
            cursor.execute("INSERT INTO notes VALUES (%s)", (note,))
        cursor.execute("SELECT text FROM notes")
        return [text for (text,) in cursor.fetchall()]


def in_mongo(note):
    if note is not None:
        mongo().insert_one({"text": note})
    return [found["text"] for found in mongo().find()]


def in_redis(note):
    client = redis.Redis("redis", password=env["REDIS_PASSWORD"], decode_responses=True)
    if note is not None:
        client.rpush("notes", note)
    return client.lrange("notes", 0, -1)


NOTES = {
    "mongo": in_mongo,
    "postgres": lambda note: in_sql(postgres, note),
    "mariadb": lambda note: in_sql(mariadb, note),
    "redis": in_redis,
}


@app.get("/")
def page():
    return f"container {socket.gethostname()}"


@app.get("/healthz")
def healthz():
    return "ok"


@app.get("/<database>")
def read(database):
    return jsonify(NOTES[database](None))


@app.post("/<database>/<note>")
def write(database, note):
    return jsonify(NOTES[database](note))
