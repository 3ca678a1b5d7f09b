# outcome: 2
def build_model(width):
    return width
