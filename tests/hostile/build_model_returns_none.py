# outcome: 2
def build_model():
    return None
