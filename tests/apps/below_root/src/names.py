NAME = "from src"
